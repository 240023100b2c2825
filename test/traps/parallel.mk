# make -j4: recipes at the same time, temporary files, rules that fail and are retried.
names := $(shell seq 1 40)
all: $(names:%=out/%)
in/%:
	@mkdir -p in && echo $* >$@.tmp && mv $@.tmp $@
	@printf '{"removed": "%s"}\n{"written": "%s"}\n' "$$PWD/$@.tmp" "$$PWD/$@"
out/%: in/%
	@mkdir -p out; cat $< given/data >$@
	@printf '{"read": "%s"}\n{"written": "%s"}\n' "$$PWD/$<" "$$PWD/$@"
	@printf '{"read": "%s/given/data"}\n{"written": "%s/in"}\n{"written": "%s/out"}\n' "$$PWD" "$$PWD" "$$PWD"
