-- Codes with accents, which are not in the order of their folded codes: a page of the groups of a prefix is
-- read in the order of codes, but for these.
CREATE INDEX mailing_groups_accented_idx ON mailing_groups (tenant_id, search_code, code)
    WHERE search_code <> code;
