DROP TABLE usage_days;
DROP TABLE sessions;
DROP TABLE profiles;
