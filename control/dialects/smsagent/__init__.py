"""SMS-to-AI Agent's API: for staff, snake_case, numbers as ids, pages with links, bare bodies."""
