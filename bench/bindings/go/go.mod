module cost

go 1.19

require ndb v0.0.0

replace ndb => ../../../bindings/go
