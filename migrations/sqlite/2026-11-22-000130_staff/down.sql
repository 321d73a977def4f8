ALTER TABLE accounts DROP COLUMN limit_overrides;
ALTER TABLE teams DROP COLUMN plan;
