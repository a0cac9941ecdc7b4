-- The migration before makes the constraints anew.
SELECT;
