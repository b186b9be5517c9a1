# Makes STATIC from the archive WHOLE that rustc wrote: one object that shows what the SHARED library exports and hides the
# rest, so that a program may hold a second Rust library. Run with cmake -P.
if(EXISTS ${STATIC} AND NOT WHOLE IS_NEWER_THAN STATIC)
  return()
endif()

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}: ${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run(${NM} --dynamic --defined-only --format=posix ${SHARED})
string(REGEX MATCHALL "cohort_[a-z0-9_]+" symbols "${output}")
list(JOIN symbols "\n" names)
file(WRITE ${STATIC}.symbols "${names}\n")
list(TRANSFORM symbols PREPEND "--undefined=" OUTPUT_VARIABLE roots)
# Rust's own libraries carry bitcode, at which the tools of other versions of LLVM stumble.
file(WRITE ${STATIC}.ld "SECTIONS { /DISCARD/ : { *(.llvmbc) *(.llvmcmd) } }\n")
run(${LINKER} -r --gc-sections --force-group-allocation -T ${STATIC}.ld ${roots} -o ${STATIC}.o ${WHOLE})
run(${OBJCOPY} --keep-global-symbols=${STATIC}.symbols ${STATIC}.o)
file(REMOVE ${STATIC})
run(${AR} rcs ${STATIC} ${STATIC}.o)
