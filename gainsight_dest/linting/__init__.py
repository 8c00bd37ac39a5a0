"""What lint looks for: the rules, a table, and what each of them looks at."""
