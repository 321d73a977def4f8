-- An export and a purge ask for everything that an account has, also for what is deleted.
CREATE INDEX profiles_ever_of_account ON profiles (account, id);
CREATE INDEX webhook_endpoints_ever_of_account ON webhook_endpoints (account, id);

-- By page.
DROP INDEX webhook_events_of_account;
CREATE INDEX webhook_events_of_account ON webhook_events (account, id);
