-- What a call is about (hotline, collections, complaint, ...), as the telephone system says.
ALTER TABLE calls ADD COLUMN scene TEXT;

-- Who of those that spoke on the caller's leg one after the other, from 1: a transfer begins anew.
ALTER TABLE call_updates ADD COLUMN speaker BIGINT NOT NULL DEFAULT 1;

-- The seconds worth listening to: "start-end" pairs with a space between.
ALTER TABLE call_updates ADD COLUMN excerpts TEXT NOT NULL DEFAULT '';
