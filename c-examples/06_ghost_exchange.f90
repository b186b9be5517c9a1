! Ghost exchange by hand, the way S3D does it: every rank owns six ghost regions, one beyond each face of its block, and names its
! neighbours' six. A long-running task copies faces there and launches the steps that read the ghosts. Two phase barriers a ghost
! region order all that between ranks: `full`, the data has come, and `empty`, it has been read. Nothing blocks.
module doors
  use heat
  implicit none
  !> What a neighbour needs to fill a ghost region. Plain bytes.
  type, bind(C) :: door
    type(cohort_ghost) :: ghost
    type(cohort_phase_barrier) :: full, empty
  end type
  type(cohort_region) :: block, ghost(6), theirs(6)
  type(door) :: my_door(6), their_door(6)   ! at the face
  type(cohort_task) :: step_task
contains
  !> -x, +x, -y .. +z from 1 to 6: the direction of a face, and the face on the other side.
  pure integer function direction(face)
    integer, intent(in) :: face
    direction = (face + 1)/2
  end function
  pure integer function opposite(face)
    integer, intent(in) :: face
    opposite = merge(face + 1, face - 1, mod(face, 2) == 1)
  end function

  !> Makes this rank's ghost regions, tells the neighbours of them, and names theirs.
  subroutine open_doors(rt, cart)
    type(cohort_runtime), intent(in) :: rt
    type(MPI_Comm), intent(in) :: cart
    type(cohort_index_space) :: beyond
    type(cohort_field_space) :: field_space
    integer(4) :: field(1)
    integer :: neighbour(6), lo(3), hi(3), face, d, bytes
    call cohort_field_space_create(rt, field_space)
    call cohort_fields_allocate(field_space, 8, field)
    do face = 1, 6
      d = direction(face)
      lo = 1; hi = n
      lo(d) = merge(0, n + 1, mod(face, 2) == 1)
      hi(d) = lo(d)
      call cohort_index_space_create(rt, lo, hi, beyond)
      call cohort_ghost_create(rt, beyond, field_space, ghost(face))
      call cohort_ghost_export(ghost(face), my_door(face)%ghost)
      call cohort_phase_barrier_create(rt, 1, my_door(face)%full)
      call cohort_phase_barrier_create(rt, 1, my_door(face)%empty)
    end do
    do d = 1, 3
      call MPI_Cart_shift(cart, d - 1, 1, neighbour(2*d - 1), neighbour(2*d))
    end do
    bytes = int(c_sizeof(my_door(1)))
    do face = 1, 6
      call MPI_Sendrecv(my_door(face), bytes, MPI_BYTE, neighbour(face), face, their_door(opposite(face)), bytes, &
                        MPI_BYTE, neighbour(opposite(face)), face, cart, MPI_STATUS_IGNORE)
      call cohort_ghost_import(rt, their_door(opposite(face))%ghost, theirs(opposite(face)))
    end do
  end subroutine

  !> In the neighbours' numbering, which is the same as this rank's, a face's points lie beyond the opposite face.
  subroutine copy_face(task, face, field)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: face
    integer(4), intent(in) :: field
    integer :: shift(3)
    shift = 0
    shift(direction(face)) = merge(n, -n, mod(face, 2) == 1)
    call cohort_copy(task, block, [field], theirs(face), [0], shift, &
                     wait_barriers=[their_door(face)%empty], arrive_barriers=[their_door(face)%full])
    call cohort_phase_barrier_advance(their_door(face)%empty)
    call cohort_phase_barrier_advance(their_door(face)%full)
  end subroutine

  recursive subroutine rank_main(task)
    type(cohort_context), intent(in) :: task
    integer :: step, face, before
    do step = 1, steps
      before = merge(1, 2, mod(step, 2) == 1)
      do face = 1, 6
        call copy_face(task, face, fields(before))
      end do
      do face = 1, 6
        call cohort_phase_barrier_advance(my_door(face)%full)   ! a wait is for the phase before the handle's
        call cohort_acquire(task, ghost(face), [0], wait_barriers=[my_door(face)%full])
      end do
      call heat_launch(task, step_task, block, ghost, before)
      do face = 1, 6
        call cohort_release(task, ghost(face), [0], arrive_barriers=[my_door(face)%empty])
        call cohort_phase_barrier_advance(my_door(face)%empty)
      end do
    end do
  end subroutine
end module

program main
  use doors
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: member
  type(MPI_Comm) :: cart
  integer :: rank, provided, face
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_root_context(rt, ctx)
  call cohort_rank(rt, rank)
  call heat_begin(rt, ctx, cart, block)
  call open_doors(rt, cart)
  call cohort_task_register(rt, 'step', step_task, heat_step, leaf=.true.)
  call cohort_task_register(rt, 'rank_main', member, rank_main)
  ! Neighbours write this rank's ghost regions while its task reads them, in turns that barriers keep: SIMULTANEOUS.
  call cohort_must_epoch(rt, member, [cohort_needs(block, fields, COHORT_READ_WRITE), &
    (cohort_needs(ghost(face), [0], COHORT_READ_WRITE, coherence=COHORT_SIMULTANEOUS), face=1, 6), &
    (cohort_needs(theirs(face), [0], COHORT_READ_WRITE, coherence=COHORT_SIMULTANEOUS), face=1, 6)])
  call cohort_must_epoch_wait(rt)
  call cohort_detach(ctx, block, fields)
  call heat_check()
  call cohort_finalize(rt)
  call MPI_Comm_free(cart)
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
end program
