"""What a check writes about its result: one module for each form, over the same facts.

`facts` has the texts and figures that all forms share; `charts`, `pictures` and
`registry.checking.page` make the web page, `markdown` the same in Markdown, `ai_act` the part of
the public summary of training content that a check knows, `croissant` the description of the
dataset.
"""
