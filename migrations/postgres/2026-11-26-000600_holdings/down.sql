DROP INDEX webhook_events_of_account;
CREATE INDEX webhook_events_of_account ON webhook_events (account);
DROP INDEX webhook_endpoints_ever_of_account;
DROP INDEX profiles_ever_of_account;
