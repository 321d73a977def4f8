DROP TABLE usage_days;
DROP TABLE profiles;
DROP TABLE sessions;
