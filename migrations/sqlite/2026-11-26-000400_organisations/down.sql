ALTER TABLE accounts DROP COLUMN severe_declined;
ALTER TABLE accounts DROP COLUMN active_team;
DROP TRIGGER teams_are_numbered;
DROP TRIGGER accounts_are_numbered;
DROP TABLE team_numbers;
DROP TABLE account_numbers;
