"""The crawler: Scrapy spiders that read marks at their source. Depends on `registry`."""
