-- Devices that wait for a key. The key is minted when it is handed out: none waits here.
CREATE TABLE activations (
    id         uuid        NOT NULL PRIMARY KEY,
    -- Digest of the device's code and its state together.
    device     bytea       NOT NULL CHECK (octet_length(device) = 32),
    user_code  bytea       NOT NULL CHECK (octet_length(user_code) = 32),
    client     text        NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Whose key it will be, and the sign-in that said so.
    account    uuid        REFERENCES accounts (id),
    session    uuid        REFERENCES web_sessions (id),
    CHECK ((account IS NULL) = (session IS NULL))
);

CREATE UNIQUE INDEX activations_device_key ON activations (device);
CREATE UNIQUE INDEX activations_user_code_key ON activations (user_code);
CREATE INDEX activations_expiry ON activations (expires_at);
