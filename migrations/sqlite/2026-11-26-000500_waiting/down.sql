DROP INDEX webhook_endpoints_deleted;
DROP INDEX webhook_deliveries_waiting;
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint) WHERE settled_at IS NULL;
ALTER TABLE webhook_deliveries DROP COLUMN replayed_at;
