-- What accounts and teams are called in the organisation dialect: small numbers, handed out here. No row is ever removed, so no
-- number is given twice.
CREATE TABLE account_numbers (
    number  INTEGER NOT NULL PRIMARY KEY,
    account BLOB    NOT NULL REFERENCES accounts (id)
) STRICT;

CREATE UNIQUE INDEX account_numbers_account_key ON account_numbers (account);

-- Without a reference: a transfer takes teams out and puts them back, and they keep their numbers.
CREATE TABLE team_numbers (
    number INTEGER NOT NULL PRIMARY KEY,
    team   BLOB    NOT NULL CHECK (length(team) = 16)
) STRICT;

CREATE UNIQUE INDEX team_numbers_team_key ON team_numbers (team);

INSERT INTO account_numbers (account) SELECT id FROM accounts ORDER BY id;
INSERT INTO team_numbers (team) SELECT id FROM teams ORDER BY id;

-- By the database, so that also what an older binary makes has a number.
CREATE TRIGGER accounts_are_numbered AFTER INSERT ON accounts
BEGIN
    INSERT INTO account_numbers (account) VALUES (NEW.id);
END;

CREATE TRIGGER teams_are_numbered AFTER INSERT ON teams
BEGIN
    INSERT INTO team_numbers (team) VALUES (NEW.id) ON CONFLICT (team) DO NOTHING;
END;

-- The team of the organisation that sign-ins act in; null: the own one. It may point where the account does not belong any more.
ALTER TABLE accounts ADD COLUMN active_team BLOB CHECK (length(active_team) = 16);

-- Whether severe entries of the log are not told on streams.
ALTER TABLE accounts ADD COLUMN severe_declined INTEGER NOT NULL DEFAULT 0 CHECK (severe_declined IN (0, 1));
