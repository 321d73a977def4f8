DROP TABLE challenges;
DROP TABLE recovery_codes;
DROP TABLE factors;
DELETE FROM link_requests WHERE kind <> 'verification';
ALTER TABLE link_requests DROP COLUMN kind;
DELETE FROM links WHERE kind <> 'verification';
DROP INDEX links_live_key;
ALTER TABLE links DROP COLUMN kind;
CREATE UNIQUE INDEX links_live_key ON links (account) WHERE used_at IS NULL AND voided_at IS NULL;
