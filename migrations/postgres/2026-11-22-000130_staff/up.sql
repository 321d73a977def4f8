-- The organisation's ladder, beside the account's tier.
ALTER TABLE teams ADD COLUMN plan text NOT NULL DEFAULT 'free';

-- What staff have set in place of the tier's rate limits, by bucket. Every request reads it, so it lies where the tier does.
ALTER TABLE accounts ADD COLUMN limit_overrides text CHECK (limit_overrides IS NULL OR limit_overrides::jsonb IS NOT NULL);

-- Staff look for the beginning of an address: only in the order of the bytes is that a range of the index.
ALTER TABLE accounts ALTER COLUMN email TYPE text COLLATE "C";
