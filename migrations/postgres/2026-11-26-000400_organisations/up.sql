-- What accounts and teams are called in the organisation dialect: small numbers, handed out here and never twice.
CREATE TABLE account_numbers (
    number  bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account uuid   NOT NULL REFERENCES accounts (id)
);

CREATE UNIQUE INDEX account_numbers_account_key ON account_numbers (account);

-- Without a reference: a transfer takes teams out and puts them back, and they keep their numbers.
CREATE TABLE team_numbers (
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team   uuid   NOT NULL
);

CREATE UNIQUE INDEX team_numbers_team_key ON team_numbers (team);

INSERT INTO account_numbers (account) SELECT id FROM accounts ORDER BY id;
INSERT INTO team_numbers (team) SELECT id FROM teams ORDER BY id;

-- By the database, so that also what an older binary makes has a number.
CREATE FUNCTION accounts_get_a_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_numbers (account) VALUES (NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER accounts_are_numbered AFTER INSERT ON accounts
FOR EACH ROW EXECUTE FUNCTION accounts_get_a_number();

CREATE FUNCTION teams_get_a_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO team_numbers (team) VALUES (NEW.id) ON CONFLICT (team) DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER teams_are_numbered AFTER INSERT ON teams
FOR EACH ROW EXECUTE FUNCTION teams_get_a_number();

-- The team of the organisation that sign-ins act in; null: the own one. It may point where the account does not belong any more.
ALTER TABLE accounts ADD COLUMN active_team uuid;

-- Whether severe entries of the log are not told on streams.
ALTER TABLE accounts ADD COLUMN severe_declined boolean NOT NULL DEFAULT false;
