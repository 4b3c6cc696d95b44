"""Workers: processes that make the visits that are due, each in children of its own.

The worker itself never imports Scrapy: `work` claims visits, `children` starts the processes
that make them (`child`), and ends those that hang or grow. They exchange `messages`.
"""
