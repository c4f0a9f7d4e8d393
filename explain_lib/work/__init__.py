"""Work over many images: requests, the cache, jobs in the background, a cluster, and files of rows."""
