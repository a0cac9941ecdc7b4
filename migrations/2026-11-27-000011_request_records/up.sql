-- What is kept of a request holds no entity any more: of those kept until now only the number stays.
UPDATE requests SET answer = jsonb_build_array(
    CASE
        WHEN answer -> 0 ? 'contact_number'
            THEN jsonb_build_object('contact_number', answer -> 0 -> 'contact_number')
        WHEN answer -> 0 ? 'group_id' THEN jsonb_build_object('group_id', answer -> 0 -> 'group_id')
        WHEN answer -> 0 ? 'segment' THEN jsonb_build_object('segment',
            jsonb_build_object('segment_number', answer -> 0 -> 'segment' -> 'segment_number'))
        ELSE answer -> 0
    END,
    answer -> 1);
