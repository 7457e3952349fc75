"""What concerns one person: the sheet that explains her score step by step, and the appeal that runs a period again."""
