-- Codes are NFKC from now on, not only NFC: full-width letters, ligatures and the like are the letters
-- they stand for. A code that changes is a rename in the change log.
--
-- A code whose new form is another group's, or breaks the rules, becomes G and the group's number, or
-- the next letter if that is taken. The number is unique, and the longest one fits.
DO $$
DECLARE
    -- What NFKC makes lower-case of upper-case letters and of letters without case. upper() depends
    -- on the database's locale.
    lower_case CONSTANT text := 'abcdefghijklmnopqrstuvwxyz'
        'æðøħıŋœɐɑɒɓɔɖɗəɛɜɠɡɣɥɦɨɩɪɫɬɯɱɲɵɽʀʂʃʈʉ'
        'ʊʋʌʒʝαβγδεζηθικλμνξοπρςστυφχψωϝнъьნꜧꝯ';
    upper_case CONSTANT text := 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
        'ÆÐØĦIŊŒⱯⱭⱰƁƆƉƊƏƐꞫƓꞬƔꞍꞪƗƖꞮⱢꞭƜⱮƝƟⱤƦꟅƩƮɄ'
        'ƱƲɅƷꞲΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΣΤΥΦΧΨΩϜНЪЬᲜꜦꝮ';
    old record;
    new_code text;
    new_revision bigint;
BEGIN
    FOR old IN
        SELECT * FROM mailing_groups WHERE code IS NOT NFKC NORMALIZED ORDER BY tenant_id, group_id
    LOOP
        new_code := normalize(translate(normalize(old.code, NFKC), lower_case, upper_case), NFKC);
        IF char_length(new_code) > 11 OR new_code ~ '[ ·]' OR EXISTS (
            SELECT FROM mailing_groups WHERE tenant_id = old.tenant_id AND code = new_code
        ) THEN
            SELECT chr(letter) || old.group_id INTO STRICT new_code
            FROM generate_series(ascii('G'), ascii('Z')) letter
            WHERE NOT EXISTS (
                SELECT FROM mailing_groups
                WHERE tenant_id = old.tenant_id AND code = chr(letter) || old.group_id
            )
            ORDER BY letter LIMIT 1;
        END IF;
        UPDATE clocks SET revision = revision + 1 WHERE tenant_id = old.tenant_id
            RETURNING revision INTO STRICT new_revision;
        INSERT INTO revisions (tenant_id, revision, commit_time, request_id)
            VALUES (old.tenant_id, new_revision, now(), 'migration-codes');
        -- kind 2: group renamed.
        INSERT INTO changes (tenant_id, revision, kind, subject_id, code, former_code)
            VALUES (old.tenant_id, new_revision, 2, old.group_id, new_code, old.code);
        UPDATE mailing_groups SET code = new_code, revision = new_revision, update_time = now()
            WHERE tenant_id = old.tenant_id AND group_id = old.group_id;
    END LOOP;
    FOR old IN SELECT * FROM former_codes WHERE code IS NOT NFKC NORMALIZED LOOP
        DELETE FROM former_codes WHERE tenant_id = old.tenant_id AND code = old.code;
        INSERT INTO former_codes (tenant_id, code, group_id) VALUES (
            old.tenant_id,
            normalize(translate(normalize(old.code, NFKC), lower_case, upper_case), NFKC),
            old.group_id
        ) ON CONFLICT DO NOTHING;
    END LOOP;
    DELETE FROM former_codes f USING mailing_groups g
        WHERE g.tenant_id = f.tenant_id AND g.code = f.code;
END
$$;

ALTER TABLE mailing_groups
    DROP CONSTRAINT mailing_groups_code_check,
    -- Letters and digits of any script; the program knows Unicode, this knows ASCII and NFKC.
    ADD CONSTRAINT mailing_groups_code_check CHECK (
        char_length(code) BETWEEN 1 AND 11
        AND code IS NFKC NORMALIZED
        AND code !~ '[\u0001-\u002F\u003A-\u0040\u005B-\u007F]'
    );
