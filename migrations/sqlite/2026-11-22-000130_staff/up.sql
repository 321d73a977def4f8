-- The organisation's ladder, beside the account's tier.
ALTER TABLE teams ADD COLUMN plan TEXT NOT NULL DEFAULT 'free';

-- What staff have set in place of the tier's rate limits, by bucket. Every request reads it, so it lies where the tier does.
ALTER TABLE accounts ADD COLUMN limit_overrides TEXT CHECK (json_valid(limit_overrides));
