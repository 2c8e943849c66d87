"""`slm-lsp evaluate`: how good a model's completions are, on anybody's files.

command.py  what is asked for, and the order of things    projects.py   where points come from
tables.py   figures drawn, or as JSON                     measuring.py  who is asked at the points
"""
