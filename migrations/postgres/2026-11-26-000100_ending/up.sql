-- Until when a deleted account comes back by a sign-in, and when there was nothing left of it but its log.
ALTER TABLE accounts ADD COLUMN purge_at timestamptz;
ALTER TABLE accounts ADD COLUMN purged_at timestamptz;

CREATE INDEX accounts_to_purge ON accounts (purge_at, id) WHERE purge_at IS NOT NULL;

-- The keys under which the log of an account says something of people, sealed with the vault. With the rows goes what it says.
-- It has one, unless that does not open any more: then what is written lies under the next one.
CREATE TABLE account_keys (
    account uuid    NOT NULL REFERENCES accounts (id),
    nth     integer NOT NULL,
    sealed  bytea   NOT NULL,
    PRIMARY KEY (account, nth)
);

-- What the chain covers of such fields, and the fields themselves under that key.
ALTER TABLE audit_entries ADD COLUMN commitments text CHECK (commitments IS NULL OR commitments::jsonb IS NOT NULL);
ALTER TABLE audit_entries ADD COLUMN personal bytea CHECK ((personal IS NULL) = (commitments IS NULL));

-- Whose business a mail is. Those that are older are found by their address.
ALTER TABLE mails ADD COLUMN account uuid REFERENCES accounts (id);

CREATE INDEX mails_of_account ON mails (account, id) WHERE account IS NOT NULL;
CREATE INDEX mails_to ON mails (recipient);
CREATE INDEX invites_of_owner ON invites (owner, id);
CREATE INDEX invites_to ON invites (email);
CREATE INDEX links_of_account ON links (account, id);
