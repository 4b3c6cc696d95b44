"""The crawler: Scrapy spiders that record the images and marks of sites. Depends on `registry`."""
