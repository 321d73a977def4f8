DROP INDEX accounts_avatar_key;
ALTER TABLE accounts DROP COLUMN avatar;
DROP TABLE avatars;
