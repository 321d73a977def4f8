DELETE FROM link_requests WHERE kind = 'email-change';
ALTER TABLE link_requests DROP COLUMN account;
DELETE FROM links WHERE kind = 'email-change';
ALTER TABLE links DROP COLUMN new_email;
