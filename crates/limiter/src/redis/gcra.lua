-- Charges one token (GCRA). All times are microseconds; those since 1970 are whole numbers that a double holds exactly.
--   KEYS[1]  the bucket: when it will be full again
--   ARGV[1]  the interval in which one token comes back
--   ARGV[2]  how many tokens fit
-- Answers whether the charge was allowed (1 or 0), and the time until the bucket is full.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local empty = interval * ARGV[2]

local full_at = tonumber(redis.call('GET', KEYS[1])) or now
-- Emptier than empty is a bucket that was charged by a clock that ran ahead, such as that of a primary that is gone.
local missing = math.min(math.max(full_at - now, 0), empty)

local charged = missing + interval
if charged > empty then
    return {0, missing}
end
-- Not by tostring, which would round to fourteen digits.
local value = string.format('%.0f', now + charged)
redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', math.ceil(charged / 1000)))
return {1, charged}
