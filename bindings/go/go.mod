module ndb

go 1.19
