-- When somebody had it begin again, which is since when it waits; null: since its event.
ALTER TABLE webhook_deliveries ADD COLUMN replayed_at timestamptz;

-- What of an endpoint waits, the oldest first.
DROP INDEX webhook_deliveries_waiting;
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint, created_at) WHERE settled_at IS NULL;

CREATE INDEX webhook_endpoints_deleted ON webhook_endpoints (disabled_at) WHERE disabled_at IS NOT NULL;
