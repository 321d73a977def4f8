ALTER TABLE accounts DROP COLUMN severe_declined;
ALTER TABLE accounts DROP COLUMN active_team;
DROP TRIGGER teams_are_numbered ON teams;
DROP FUNCTION teams_get_a_number();
DROP TRIGGER accounts_are_numbered ON accounts;
DROP FUNCTION accounts_get_a_number();
DROP TABLE team_numbers;
DROP TABLE account_numbers;
