-- The address that a link moves its account to, where it does.
ALTER TABLE links ADD COLUMN new_email TEXT;
-- Who wants to be at the address, where somebody does; everybody else only names one.
ALTER TABLE link_requests ADD COLUMN account BLOB REFERENCES accounts (id) CHECK (length(account) = 16);
