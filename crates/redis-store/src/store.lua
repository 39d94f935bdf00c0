-- The shared store of the replicas of a router, in one atomic step: the store's half of `squall-shared-state`, rule for
-- rule (crates/shared-state/src/store.rs), and held against it by a test of many thousand random exchanges.
--
-- KEYS[1] is the prefix of all keys; in braces, so that a cluster keeps them together. Time is the store's own.
-- ARGV is a request and the reply an array, both flat: see codec.rs. Identifiers are hexadecimal strings, since numbers
-- here are floating point; units are at most 2^50, and sums of a few of them are exact.

local prefix = KEYS[1]
local place = 0
local function take()
  place = place + 1
  return ARGV[place]
end
local function number() return tonumber(take()) end

local VERSION, BUCKETS, MAX_PARTS, MAX_UNITS, LONGER_MS, SHORT_MS = 2, 240, 4096, 2 ^ 50, 100, 60000
local DEPARTED = '0000000000000000'

-- The request.
local version, replica, ordinal, epoch = number(), take(), number(), take()
local told_members, restate, leaving, seen = number(), number() == 1, number() == 1, number()
local lease_ms, forget_ms, probe_ms, max_members, new_epoch = number(), number(), number(), number(), take()

if version ~= VERSION then return { 'version', VERSION } end

local draws, notices, probes, history_parts = {}, {}, {}, 0
local too_large = replica == DEPARTED
local function units(max)
  local value = number()
  if value > (max or MAX_UNITS) then too_large = true end
  return value
end
for at = 1, number() do
  local draw = { key = take(), limit = units(), window = units(), used = units(4 * MAX_UNITS + 3),
    refunded = units(4 * MAX_UNITS + 3), kept = units(), want = units(), alone = number(), share = number(), history = {} }
  if draw.window == 0 then too_large = true end
  for part = 1, number() do
    draw.history[part] = { age = number(), units = units() }
    history_parts = history_parts + 1
  end
  draws[at] = draw
end
for at = 1, number() do
  notices[at] = { deployment = take(), remaining = number(), cause = number() }
end
for at = 1, number() do probes[at] = take() end
if too_large or #draws > MAX_PARTS or #notices > MAX_PARTS or #probes > MAX_PARTS
  or math.floor(history_parts / (BUCKETS + 2)) > MAX_PARTS then
  return { 'too_large' }
end

-- What is in the store.
local time = redis.call('TIME')
local clock_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local store_key, members_key = prefix .. ':store', prefix .. ':members'
local known = redis.call('HMGET', store_key, 'epoch', 'created', 'latest', 'expected', 'sequence')
local is_new = not known[1]
local store = {
  epoch = known[1] or new_epoch,
  created = tonumber(known[2] or 0),
  latest = tonumber(known[3] or 0),
  expected = tonumber(known[4] or 1),
  sequence = tonumber(known[5] or 0),
}
-- What an earlier life of the store has left is never read.
local life = prefix .. ':' .. store.epoch
local quotas_key, notices_key, probes_key = life .. ':quotas', life .. ':notices', life .. ':probes'
if is_new then redis.call('DEL', members_key) end

local members, member_count = {}, 0
local stored = redis.call('HGETALL', members_key)
for at = 1, #stored, 2 do
  local ordinal_then, last = string.match(stored[at + 1], '^(%d+) (%d+)$')
  members[stored[at]] = { ordinal = tonumber(ordinal_then), last = tonumber(last) }
  member_count = member_count + 1
end
local me = members[replica]
if me and ordinal <= me.ordinal then return { 'stale', me.ordinal } end
if not me and member_count >= max_members then return { 'too_many_members' } end

local now = math.max(store.latest, clock_ms)
if member_count == 0 and redis.call('EXISTS', quotas_key) == 0 then store.created = now end
store.latest = now

local function text(value) return string.format('%.0f', value) end

-- Nothing that the store keeps lasts longer than anybody could need it.
local function keep(key, ms)
  ms = math.min(ms, 2 ^ 52)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, text(2 * ms)) end
end

-- Windows of usage: a list of `bucket units`, oldest first. Their sums are with their holders.
local function window_key(quota, holder) return life .. ':w:' .. quota .. ':' .. holder end
local function bucket_ms(window) return math.max(1, math.ceil(window / BUCKETS)) end
local function bucket_of(text)
  local index, sum = string.match(text, '^(%d+) (%d+)$')
  return tonumber(index), tonumber(sum)
end
local function bucket(index, sum) return string.format('%.0f %.0f', index, sum) end

local function window_add(key, holder, at, window, count)
  if count == 0 then return end
  local index = math.floor(at / bucket_ms(window))
  holder.sum = holder.sum + count
  local last = redis.call('LINDEX', key, -1)
  if last then
    local last_index, sum = bucket_of(last)
    if last_index >= index then
      redis.call('LSET', key, -1, bucket(last_index, sum + count))
      return
    end
  end
  redis.call('RPUSH', key, bucket(index, count))
end

local function window_take_back(key, holder, count)
  while count > 0 do
    local first = redis.call('LINDEX', key, 0)
    if not first then return end
    local index, sum = bucket_of(first)
    local taken = math.min(count, sum)
    holder.sum, count = holder.sum - taken, count - taken
    if taken == sum then
      redis.call('LPOP', key)
    else
      redis.call('LSET', key, 0, bucket(index, sum - taken))
    end
  end
end

local function window_expire(key, holder, window)
  while holder.sum > 0 do
    local index, sum = bucket_of(redis.call('LINDEX', key, 0))
    if (index + 1) * bucket_ms(window) + window > now then break end
    redis.call('LPOP', key)
    holder.sum = holder.sum - sum
  end
  return holder.sum
end

local function window_merge(key, holder, other_key, other)
  local all = redis.call('LRANGE', key, 0, -1)
  for _, part in ipairs(redis.call('LRANGE', other_key, 0, -1)) do all[#all + 1] = part end
  local sums, order = {}, {}
  for _, part in ipairs(all) do
    local index, sum = bucket_of(part)
    if not sums[index] then order[#order + 1] = index end
    sums[index] = (sums[index] or 0) + sum
  end
  table.sort(order)
  redis.call('DEL', key, other_key)
  for _, index in ipairs(order) do redis.call('RPUSH', key, bucket(index, sums[index])) end
  holder.sum = holder.sum + other.sum
end

-- Quotas: a hash with what is counted of all holders, and a field for each holder.
local function quota_key(key) return life .. ':q:' .. key end
local HOLDER = '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$'

local function read_holder(key, id)
  local text = redis.call('HGET', quota_key(key), id)
  local holder = { used = 0, refunded = 0, out = 0, alone = 0, share = 0, counted = 0, sum = 0 }
  if not text then return holder, false end
  local used, refunded, out, alone, share, counted, sum = string.match(text, HOLDER)
  holder.used, holder.refunded, holder.out = tonumber(used), tonumber(refunded), tonumber(out)
  holder.alone, holder.share = tonumber(alone), tonumber(share)
  holder.counted, holder.sum = tonumber(counted), tonumber(sum)
  return holder, true
end
local function write_holder(key, id, holder)
  redis.call('HSET', quota_key(key), id, string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f', holder.used,
    holder.refunded, holder.out, holder.alone, holder.share, holder.counted, holder.sum))
end
local function read_quota(key)
  local read = redis.call('HMGET', quota_key(key), 'limit', 'window', 'counted', 'shares', 'short', 'used')
  if not read[1] then return nil end
  return { key = key, limit = tonumber(read[1]), window = tonumber(read[2]), counted = tonumber(read[3]),
    shares = tonumber(read[4]), short = tonumber(read[5]), used = tonumber(read[6]) }
end
local function quota_of(draw)
  local quota = read_quota(draw.key)
  if quota then return quota end
  redis.call('SADD', quotas_key, draw.key)
  return { key = draw.key, limit = draw.limit, window = draw.window, counted = 0, shares = 0, short = 0, used = 0 }
end
local function write_quota(quota)
  redis.call('HSET', quota_key(quota.key), 'limit', string.format('%.0f', quota.limit),
    'window', string.format('%.0f', quota.window), 'counted', string.format('%.0f', quota.counted),
    'shares', string.format('%.0f', quota.shares), 'short', string.format('%.0f', quota.short),
    'used', string.format('%.0f', quota.used))
end

local function expire_departed(quota)
  local departed, exists = read_holder(quota.key, DEPARTED)
  if not exists then return end
  local before = departed.sum
  local past = window_expire(window_key(quota.key, DEPARTED), departed, quota.window)
  quota.used = quota.used - before + past
  quota.counted = quota.counted - departed.counted + past
  departed.counted = past
  write_holder(quota.key, DEPARTED, departed)
end

local function mark_absent(quota, id, ended)
  local holder, exists = read_holder(quota.key, id)
  if not exists then return end
  local key = window_key(quota.key, id)
  local out, before = holder.out, holder.sum
  holder.out = 0
  window_add(key, holder, ended, quota.window, out)
  local past = window_expire(key, holder, quota.window)
  quota.used = quota.used - before + past
  local counted = math.max(past, holder.share, holder.alone)
  quota.counted = quota.counted - holder.counted + counted
  holder.counted = counted
  write_holder(quota.key, id, holder)
end

local function remove_holder(key, id)
  local quota = read_quota(key)
  local holder, exists = read_holder(key, id)
  if not quota or not exists then return end
  window_add(window_key(key, id), holder, now, quota.window, holder.out)
  quota.used = quota.used + holder.out
  quota.counted = quota.counted - holder.counted
  quota.shares = quota.shares - holder.share
  redis.call('HDEL', quota_key(key), id)
  local departed = read_holder(key, DEPARTED)
  window_merge(window_key(key, DEPARTED), departed, window_key(key, id), holder)
  keep(window_key(key, DEPARTED), 2 * forget_ms + quota.window)
  write_holder(key, DEPARTED, departed)
  expire_departed(quota)
  write_quota(quota)
end

local function remove_member(id)
  if not members[id] then return end
  members[id] = nil
  member_count = member_count - 1
  redis.call('HDEL', members_key, id)
  store.expected = math.max(1, store.expected - 1)
  for _, key in ipairs(redis.call('SMEMBERS', quotas_key)) do
    -- That of a period that is over has expired.
    if redis.call('EXISTS', quota_key(key)) == 0 then redis.call('SREM', quotas_key, key) end
    remove_holder(key, id)
  end
  local all = redis.call('HGETALL', probes_key)
  for at = 1, #all, 2 do
    if string.match(all[at + 1], '^(%x+) ') == id then redis.call('HDEL', probes_key, all[at]) end
  end
end

local function is_absent(member) return now > member.last + lease_ms end
local function is_settled() return member_count >= store.expected or now >= store.created + forget_ms end
local function count_members()
  local all = math.max(1, member_count)
  return is_settled() and all or math.max(all, store.expected)
end

local function save(longest)
  redis.call('HSET', store_key, 'epoch', store.epoch, 'created', text(store.created), 'latest', text(store.latest),
    'expected', text(store.expected), 'sequence', text(store.sequence))
  for _, key in ipairs({ store_key, members_key, quotas_key, notices_key, probes_key }) do keep(key, longest) end
end

local function header(asks_again)
  return { 'ok', text(ordinal), store.epoch, text(count_members()), asks_again and '1' or '0', text(lease_ms),
    text(probe_ms), text(store.sequence) }
end
local function empty(reply)
  for _ = 1, 3 do reply[#reply + 1] = '0' end
  return reply
end

for id, member in pairs(members) do
  if now > member.last + forget_ms then remove_member(id) end
end
me = members[replica]
local same_life = epoch == store.epoch
local is_known = me and not is_absent(me) and same_life

local function take_in(quota, holder, draw)
  local key, window, before = window_key(draw.key, replica), quota.window, holder.sum
  if restate then
    redis.call('DEL', key)
    holder.sum = 0
    for _, usage in ipairs(draw.history) do
      window_add(key, holder, math.max(0, now - usage.age), window, usage.units)
    end
  else
    window_add(key, holder, now, window, math.max(0, draw.used - holder.used))
    window_take_back(key, holder, math.max(0, draw.refunded - holder.refunded))
  end
  holder.used, holder.refunded = draw.used, draw.refunded
  local past = window_expire(key, holder, window)
  quota.used = quota.used - before + past
  return past
end

if leaving then
  if is_known or (me and restate) then
    for _, draw in ipairs(draws) do
      local quota = quota_of(draw)
      local holder = read_holder(draw.key, replica)
      take_in(quota, holder, draw)
      holder.out = 0
      write_holder(draw.key, replica, holder)
      write_quota(quota)
      keep(quota_key(draw.key), 2 * forget_ms + quota.window)
    end
  end
  remove_member(replica)
  save(2 * forget_ms)
  return empty(header(false))
end
if not restate and not is_known then
  save(2 * forget_ms)
  return empty(header(true))
end
if not is_settled() then
  store.expected = math.min(math.max(store.expected, told_members), max_members)
end
if not me then member_count = member_count + 1 end
members[replica] = { ordinal = ordinal, last = now }
redis.call('HSET', members_key, replica, text(ordinal) .. ' ' .. text(now))
local reply = header(false)

-- Quota.
local absent, present = {}, member_count
for id, member in pairs(members) do
  if is_absent(member) then
    absent[id] = member.last + lease_ms + 1
    present = present - 1
  end
end
present = math.max(1, present)
local all_members, settled = count_members(), is_settled()

local function grant(quota, draw)
  local holder = read_holder(quota.key, replica)
  local others, other_shares = quota.counted - holder.counted, quota.shares - holder.share
  local past = take_in(quota, holder, draw)

  local room = math.max(0, quota.limit - (others + past + draw.kept))
  if not settled then room = math.min(room, math.max(0, draw.alone - (past + draw.kept))) end
  local asked = math.max(0, draw.want - draw.kept)
  local granted = math.min(asked, room, math.ceil(2 * room / present))
  local runs_out = quota.window > SHORT_MS and room - granted < 4 * draw.want
  if (granted < asked or runs_out) and settled then quota.short = now + math.min(quota.window, SHORT_MS) end
  holder.out = draw.kept + granted

  local base = past + holder.out
  local share = math.min(math.floor(quota.limit / all_members), math.max(0, quota.limit - other_shares))
  local alone = base
  if now >= quota.short then alone = math.max(base, quota.limit - others) end
  if not settled then share, alone = math.min(share, draw.share), draw.alone end
  alone = math.min(alone, share)
  local known = restate and math.max(draw.alone, draw.share) or draw.alone
  holder.alone = math.min(math.max(alone, known), quota.limit)
  holder.share = math.min(math.max(share, draw.share), quota.limit)
  holder.counted = math.max(base, holder.alone)
  quota.counted = others + holder.counted
  quota.shares = other_shares + holder.share
  local over = math.max(0, others + past + draw.kept - quota.limit)
  local in_hand = holder.out - math.min(draw.kept, over)
  write_holder(quota.key, replica, holder)
  return { quota.key, text(draw.used + in_hand), text(alone), text(share), granted < asked and '1' or '0',
    text(quota.used), now < quota.short and '1' or '0' }
end

local longest = 2 * forget_ms
reply[#reply + 1] = text(#draws)
for _, draw in ipairs(draws) do
  local quota = quota_of(draw)
  expire_departed(quota)
  for id, ended in pairs(absent) do mark_absent(quota, id, ended) end
  for _, part in ipairs(grant(quota, draw)) do reply[#reply + 1] = part end
  write_quota(quota)
  local lasts = 2 * forget_ms + quota.window
  longest = math.max(longest, lasts)
  keep(quota_key(draw.key), lasts)
  keep(window_key(draw.key, replica), lasts)
  keep(window_key(draw.key, DEPARTED), lasts)
end

-- What replicas tell each other of deployments, and who may probe which.
local told, listed = {}, {}
for _, notice in ipairs(notices) do told[notice.deployment] = true end
for _, deployment in ipairs(probes) do listed[deployment] = true end

local NOTICE = '^(%d+) (%x+) (%-?%d+) (%d+)$'
for _, notice in ipairs(notices) do
  local posted = redis.call('HGET', notices_key, notice.deployment)
  local _, _, until_then = string.match(posted or '', NOTICE)
  until_then = tonumber(until_then or -1)
  local out, posts
  if notice.remaining >= 0 then
    out = now + notice.remaining
    posts = not (until_then >= 0 and out < until_then + LONGER_MS)
  else
    out = -1
    posts = until_then >= 0
  end
  if posts then
    store.sequence = store.sequence + 1
    redis.call('HSET', notices_key, notice.deployment,
      text(store.sequence) .. ' ' .. replica .. ' ' .. text(out) .. ' ' .. text(notice.cause))
  end
end

local probing = redis.call('HGETALL', probes_key)
for at = 1, #probing, 2 do
  local by, until_ms = string.match(probing[at + 1], '^(%x+) (%d+)$')
  local ended = not listed[probing[at]] or told[probing[at]]
  if tonumber(until_ms) <= now or (by == replica and ended) then redis.call('HDEL', probes_key, probing[at]) end
end
local permits = {}
for _, deployment in ipairs(probes) do
  if not told[deployment] then
    redis.call('HSETNX', probes_key, deployment, replica .. ' ' .. text(now + probe_ms))
    if string.match(redis.call('HGET', probes_key, deployment), '^(%x+) ') == replica then
      permits[#permits + 1] = deployment
    end
  end
end

local news = {}
local posted = redis.call('HGETALL', notices_key)
local after = same_life and seen or 0
for at = 1, #posted, 2 do
  local sequence, by, until_ms, cause = string.match(posted[at + 1], NOTICE)
  sequence, until_ms = tonumber(sequence), tonumber(until_ms)
  if sequence > after and by ~= replica and (until_ms < 0 or until_ms > now) then
    news[#news + 1] = { sequence = sequence, deployment = posted[at], cause = cause,
      remaining = until_ms < 0 and -1 or until_ms - now }
  end
end
table.sort(news, function(one, other) return one.sequence < other.sequence end)
reply[#reply + 1] = text(#news)
for _, notice in ipairs(news) do
  reply[#reply + 1] = notice.deployment
  reply[#reply + 1] = text(notice.remaining)
  reply[#reply + 1] = notice.cause
end
reply[#reply + 1] = text(#permits)
for _, deployment in ipairs(permits) do reply[#reply + 1] = deployment end
reply[8] = text(store.sequence)
save(longest)
return reply
