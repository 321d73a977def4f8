-- Whose address the data has, where it is not the account's own: a purge asks for it. No reference: it is not to lock the account.
ALTER TABLE webhook_events ADD COLUMN about BLOB CHECK (length(about) = 16);

UPDATE webhook_events SET about = unhex(replace(substr(json_extract(data, '$.member_account_id'), 5), '-', ''))
WHERE kind IN ('team.member_added', 'team.role_changed', 'team.member_removed');

CREATE INDEX webhook_events_about ON webhook_events (about) WHERE about IS NOT NULL;
