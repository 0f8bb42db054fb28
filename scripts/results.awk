# results reads the output of `go test -json`, given once or twice.
#
#   awk -f results.awk -v show=failures FILE FILE   prints the output of what failed (the same FILE twice)
#   awk -f results.awk -v show=counts FILE...       prints "PASSED FAILED SKIPPED"
#
# A test that ran in several files counts once: as failed if it failed in any of them, else as
# passed if it passed in any. A package that failed without a failed test counts as one failure.

# value returns the string of a member of the current line, still escaped, or nothing. A member's
# name inside the Output cannot match: there its quotes are escaped.
function value(name) {
	if (!match($0, "\"" name "\":\"([^\"\\\\]|\\\\.)*\""))
		return ""
	return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}

function unescape(s) {
	gsub(/\\\\/, "\001", s)
	gsub(/\\n/, "\n", s)
	gsub(/\\t/, "\t", s)
	gsub(/\\r/, "", s)
	gsub(/\\"/, "\"", s)
	gsub(/\\u003c/, "<", s)
	gsub(/\\u003e/, ">", s)
	gsub(/\\u0026/, "\\&", s)
	gsub(/\001/, "\\", s)
	return s
}

{
	action = value("Action")
	package = value("Package")
	test = value("Test")
	key = package SUBSEP test
}

# The second reading of a file, which knows what failed.
show == "failures" && FNR != NR {
	if (action == "build-output")
		printf "%s", unescape(value("Output"))
	else if (action == "output" && package in failed && (test == "" || state[key] == "fail" || state[key] == "run")) {
		line = unescape(value("Output"))
		if (line !~ /^=== (RUN|PAUSE|CONT|NAME)/)
			printf "%s", line
	}
	next
}

# A line that is not JSON is the go command's own complaint.
action == "" && show == "failures" {
	print
	next
}

test == "" && action == "fail" {
	failed[package] = 1
}

test != "" && action == "run" && !(key in state) {
	state[key] = "run"
}

test != "" && (action == "pass" || action == "fail" || action == "skip") {
	if (state[key] != "fail" && !(state[key] == "pass" && action == "skip"))
		state[key] = action
}

END {
	if (show != "counts")
		exit
	for (key in state) {
		n[state[key]]++
		split(key, part, SUBSEP)
		if (state[key] == "fail")
			explained[part[1]] = 1
	}
	for (package in failed)
		if (!(package in explained))
			n["fail"]++
	print n["pass"] + 0, n["fail"] + 0, n["skip"] + 0
}
