"""The staff pages: their own application and process, so that no stream starves a webhook."""
