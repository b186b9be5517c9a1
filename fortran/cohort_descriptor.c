/* Turns the compiler's own array descriptors (ISO_Fortran_binding.h) into addresses and strides. Compiled with the Fortran
 * module, in the consumer's build, because the layout of a descriptor differs between Fortran compilers. */
#include <ISO_Fortran_binding.h>
#include <cohort.h>

/* Where a value lies and how long it is: a scalar, or an array without gaps. */
void cohort_fortran_span(CFI_cdesc_t *value, void **address, size_t *bytes)
{
    *address = value->base_addr;
    *bytes = value->elem_len;
    for (int d = 0; d < value->rank; ++d)
        *bytes *= (size_t)value->dim[d].extent;
}

enum { MAX_RANK = 4 }; /* three dimensions of points and one that counts fields */

int32_t cohort_fortran_attach_array(cohort_context_t ctx, cohort_region_t region, uint32_t count, const cohort_field_t *fields,
                                    CFI_cdesc_t *array, int32_t field_dimension)
{
    int64_t extents[MAX_RANK], strides[MAX_RANK];
    for (int d = 0; d < array->rank && d < MAX_RANK; ++d) {
        extents[d] = array->dim[d].extent;
        strides[d] = array->dim[d].sm;
    }
    return cohort_attach_array(ctx, region, count, fields, array->base_addr, array->elem_len, array->rank, extents, strides,
                               field_dimension);
}
