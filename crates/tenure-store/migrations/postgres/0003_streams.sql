-- The entries of one stream, such as a case's, without reading the whole journal.
CREATE INDEX entries_by_stream ON entries (stream, seq);
