! Coherence. Particles in cells: batches of particles are prepared by tasks that run at the same time, and each is counted into a
! grid that all share. Counts do not depend on the order, so the tasks that count hold the grid with COHORT_ATOMIC: they take
! turns, and whichever batch is ready first comes first. Then a mailbox that two tasks share with COHORT_RELAXED: both run all
! along and take turns by phase barriers.
module coherence_tasks
  use cohort
  implicit none
  integer, parameter :: batches = 16, particles = 5000, cells = 64, letters = 100
  integer(4) :: field(1)
  type(cohort_phase_barrier) :: full, empty
contains
  !> In which cell a particle is: anywhere, but always the same.
  pure integer function cell_of(particle)
    integer, intent(in) :: particle
    cell_of = 1 + int(mod(int(particle, 8)*2654435761_8/65536, int(cells, 8)))
  end function

  recursive subroutine prepare(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: cell(:)
    integer :: p
    call cohort_view(task, 1, field(1), COHORT_WRITE_DISCARD, cell)
    do p = lbound(cell, 1), ubound(cell, 1)
      cell(p) = cell_of(p)
    end do
  end subroutine

  !> A plain update: while this task runs, no other one is at the grid.
  recursive subroutine deposit(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: cell(:), grid(:)
    integer :: p
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, cell)
    call cohort_view(task, 2, field(1), COHORT_READ_WRITE, grid)
    do p = lbound(cell, 1), ubound(cell, 1)
      grid(int(cell(p))) = grid(int(cell(p))) + 1
    end do
  end subroutine

  !> The first wait is for nothing: a handle of phase 0 has no phase before it.
  recursive subroutine send(task)
    type(cohort_context), intent(in) :: task
    type(cohort_phase_barrier) :: emptied, filled
    real(8), pointer :: box(:)
    integer :: letter
    emptied = empty
    filled = full
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, box)
    do letter = 1, letters
      call cohort_phase_barrier_wait(task, emptied)
      box(1) = letter
      call cohort_phase_barrier_arrive(filled)
      call cohort_phase_barrier_advance(emptied)
      call cohort_phase_barrier_advance(filled)
    end do
  end subroutine

  recursive subroutine receive(task)
    type(cohort_context), intent(in) :: task
    type(cohort_phase_barrier) :: emptied, filled
    real(8), pointer :: box(:)
    real(8) :: total
    integer :: letter
    emptied = empty
    filled = full
    total = 0
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, box)
    do letter = 1, letters
      call cohort_phase_barrier_advance(filled)
      call cohort_phase_barrier_wait(task, filled)
      total = total + box(1)
      call cohort_phase_barrier_arrive(emptied)
      call cohort_phase_barrier_advance(emptied)
    end do
    call cohort_task_result(task, total)
  end subroutine
end module

program main
  use coherence_tasks
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: all, grid, box
  type(cohort_partition) :: parts
  type(cohort_task) :: prepare_task, deposit_task, send_task, receive_task
  type(cohort_future) :: received
  real(8), target :: found(cells)
  real(8) :: total
  integer :: p
  found = 0
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, field)
  call cohort_index_space_create(rt, [1], [batches*particles], points)
  call cohort_region_create(rt, points, fields, all)
  call cohort_partition_blocks(all, [batches], parts)
  call cohort_index_space_create(rt, [1], [cells], points)
  call cohort_region_create(rt, points, fields, grid)
  call cohort_attach(ctx, grid, field, found)
  call cohort_index_space_create(rt, [1], [1], points)
  call cohort_region_create(rt, points, fields, box)

  ! One launch for all batches: its points may share the grid, since they hold it with COHORT_ATOMIC.
  call cohort_task_register(rt, 'prepare', prepare_task, prepare, leaf=.true.)
  call cohort_task_register(rt, 'deposit', deposit_task, deposit, leaf=.true.)
  call cohort_index_launch(ctx, prepare_task, batches, [cohort_needs(parts, field, COHORT_WRITE_DISCARD)])
  call cohort_index_launch(ctx, deposit_task, batches, [cohort_needs(parts, field, COHORT_READ_ONLY), &
                                                        cohort_needs(grid, field, COHORT_READ_WRITE, coherence=COHORT_ATOMIC)])

  ! The mailbox: neither task waits for the other's end.
  call cohort_phase_barrier_create(rt, 1, full)
  call cohort_phase_barrier_create(rt, 1, empty)
  call cohort_task_register(rt, 'send', send_task, send)   ! no leaf: it waits
  call cohort_task_register(rt, 'receive', receive_task, receive)
  call cohort_launch(ctx, send_task, [cohort_needs(box, field, COHORT_READ_WRITE, coherence=COHORT_RELAXED)])
  call cohort_launch(ctx, receive_task, [cohort_needs(box, field, COHORT_READ_ONLY, coherence=COHORT_RELAXED)], result=received)
  call cohort_future_get(received, total)

  call cohort_detach(ctx, grid, field)
  call cohort_finalize(rt)
  do p = 1, batches*particles
    found(cell_of(p)) = found(cell_of(p)) - 1
  end do
  if (any(found /= 0)) error stop 'FAILED: the counts'
  if (total /= letters*(letters + 1)/2) error stop 'FAILED: the letters'
  print '(a)', 'PASSED'
end program
