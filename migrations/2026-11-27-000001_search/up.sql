-- Searches ignore width and accents too, not only case. `fold` in src/model/search.rs writes
-- search_name; what it wrote so far has one case already, so only what NFKD makes of letters is left:
-- U+0345 is a small iota, and ß, which was the lower case of ẞ, is ss.
DROP INDEX contacts_search_name_idx;
UPDATE contacts SET search_name = f.folded
FROM (
    SELECT tenant_id, contact_number, normalize(regexp_replace(
        replace(translate(normalize(search_name, NFKD),
            chr(x'0345'::int) || 'ABCDEFGHIJKLMNOPQRSTUVWXYZÆĦıƎƐȢΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςϜ',
            'ιabcdefghijklmnopqrstuvwxyzæħiǝɛȣαβγδεζηθικλμνξοπρστυφχψωσϝ'),
            'ß', 'ss'),
        '[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]+', '', 'g'),
        NFC) AS folded
    FROM contacts
) f
WHERE f.tenant_id = contacts.tenant_id AND f.contact_number = contacts.contact_number
    AND f.folded <> contacts.search_name;
CREATE INDEX contacts_search_name_idx ON contacts USING gin (tenant_id, search_name gin_trgm_ops);

-- Codes have upper case already, so SQL can fold them; `fold_code` does the same.
ALTER TABLE mailing_groups ADD COLUMN search_code text COLLATE "C" NOT NULL
    GENERATED ALWAYS AS (normalize(regexp_replace(normalize(code, NFKD),
        '[\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F]+', '', 'g'), NFC)) STORED;
CREATE INDEX mailing_groups_search_code_idx ON mailing_groups (tenant_id, search_code, code);
