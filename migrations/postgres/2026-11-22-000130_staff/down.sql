ALTER TABLE accounts ALTER COLUMN email TYPE text COLLATE "default";
ALTER TABLE accounts DROP COLUMN limit_overrides;
ALTER TABLE teams DROP COLUMN plan;
