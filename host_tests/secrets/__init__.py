"""`make secrets`: after each scenario, who can read what from where.

A person's scenarios are played on the built device in the simulator; then everything that is left
(flash, keys, files, logs, records, books, the page, the terminal's memory) is searched for every
secret that was in the story, in every form it might have been written down in. What may be where
stands in `allowed`, and nowhere else.
"""
