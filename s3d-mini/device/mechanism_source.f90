!> A mechanism as source text for device kernels: its numbers as constants, its reactions as straight lines of code. Arrays that are
!> indexed by numbers known to the compiler stay in registers; tables of reactions would put concentrations and rates into memory.
module mechanism_source
  use mechanism, only: mechanism_t, reaction_t, gas_constant, elementary, three_body, lindemann, troe, cantera_form
  implicit none
  private
  public :: counts, thermodynamic_tables, gibbs_tables, transport_tables, rates_source, losses_source, pairs_apart

  character, parameter :: newline = new_line('a')

contains

  function counts(m) result(text)
    type(mechanism_t), intent(in) :: m
    character(:), allocatable :: text
    text = '#define SPECIES '//integer_text(m%n_species)//newline
  end function

  !> Weights and the polynomials of the enthalpy over R.
  function thermodynamic_tables(m) result(text)
    type(mechanism_t), intent(in) :: m
    character(:), allocatable :: text
    text = '#define GAS_CONSTANT '//real_text(gas_constant)//newline// &
           vector('molecular_weight', m%molecular_weight)// &
           vector('inverse_weight', 1/m%molecular_weight)// &
           vector('specific_gas_constant', gas_constant/m%molecular_weight)// &
           vector('nasa_middle', m%nasa_middle)// &
           table('enthalpy_low', enthalpy_form(m%nasa_low))//table('enthalpy_high', enthalpy_form(m%nasa_high))
  end function

  function gibbs_tables(m) result(text)
    type(mechanism_t), intent(in) :: m
    character(:), allocatable :: text
    text = table('gibbs_low', gibbs_form(m%nasa_low))//table('gibbs_high', gibbs_form(m%nasa_high))
  end function

  !> Coefficients (6, species) of h/R in powers of T.
  pure function enthalpy_form(nasa) result(a)
    real(8), intent(in) :: nasa(:, :)
    real(8) :: a(6, size(nasa, 2))
    integer :: power
    a(1, :) = nasa(6, :)
    do power = 1, 5
      a(power + 1, :) = nasa(power, :)/power
    end do
  end function

  !> g/(R T) = a1 (1 - ln T) + a2/T + a3 + T (a4 + T (a5 + T (a6 + T a7))).
  pure function gibbs_form(nasa) result(a)
    real(8), intent(in) :: nasa(:, :)
    real(8) :: a(7, size(nasa, 2))
    integer :: power
    a(1, :) = nasa(1, :)
    a(2, :) = nasa(6, :)
    a(3, :) = -nasa(7, :)
    do power = 1, 4
      a(power + 3, :) = -nasa(power + 1, :)/(power*(power + 1))
    end do
  end function

  !> Whether the fits of pairs reach the kernel as data: OpenCL has 64 kB for constants, if not more, and the other tables of
  !> transport take less than these. Small tables become part of the code.
  pure logical function pairs_apart(m)
    type(mechanism_t), intent(in) :: m
    integer, parameter :: most_constants = 65536
    pairs_apart = 2*8*size(m%diffusion) > most_constants
  end function

  !> Fits of species and pairs, and Wilke's factors: 1/sqrt(8 (1 + W_k/W_j)) = sqrt(W_j/8) g_kj, g symmetric and by pair.
  function transport_tables(m) result(text)
    type(mechanism_t), intent(in) :: m
    character(:), allocatable :: text
    real(8) :: wilke_pair(size(m%diffusion, 2))
    integer :: j, k, pair
    pair = 0
    do j = 1, m%n_species
      do k = j + 1, m%n_species
        pair = pair + 1
        wilke_pair(pair) = 1/sqrt(m%molecular_weight(j) + m%molecular_weight(k))
      end do
    end do
    text = '#define CANTERA_FITS '//merge('1', '0', m%transport_form == cantera_form)//newline// &
           '#define PAIRS_APART '//merge('1', '0', pairs_apart(m))//newline// &
           table('viscosity_fit', m%viscosity)//table('conductivity_fit', m%conductivity)// &
           vector('wilke_pair', wilke_pair)//vector('wilke_weight', sqrt(m%molecular_weight/8))// &
           vector('fourth_root_weight', sqrt(sqrt(m%molecular_weight)))
    if (.not. pairs_apart(m)) text = text//table('diffusion_fit', m%diffusion)
  end function

  !> The function net_rates: w of each species (kmol/m3/s) from concentrations c, their sum, Gibbs functions g over R T.
  function rates_source(m) result(text)
    type(mechanism_t), intent(in) :: m
    character(:), allocatable :: text
    integer :: order(size(m%reaction)), r, i
    order = grouped(m)
    text = 'COHORT_FUNCTION void net_rates(double T, double log_T, double inverse_T, double log_c0, const double *g,'//newline// &
           '                               const double *c, double total, double *w) {'//newline// &
           '  double k, third, rate;'//newline
    do i = 1, size(order)
      r = order(i)
      text = text//rate_constant(m%reaction(r))//'  rate = k'//product_of(m%reaction(r)%reactants)
      if (m%reaction(r)%reversible) text = text//' - '//backward(m%reaction(r))
      text = text//';'//newline//contributions('w', m%reaction(r)%reactants, '-= rate')// &
             contributions('w', m%reaction(r)%products, '+= rate')
    end do
    text = text//'}'//newline
  end function

  !> The function loss_rates: how fast each species is used up, not counting what is made; arguments as above.
  function losses_source(m) result(text)
    type(mechanism_t), intent(in) :: m
    character(:), allocatable :: text
    integer :: order(size(m%reaction)), r, i
    order = grouped(m)
    text = 'COHORT_FUNCTION void loss_rates(double T, double log_T, double inverse_T, double log_c0, const double *g,'//newline// &
           '                                const double *c, double total, double *loss) {'//newline// &
           '  double k, third, rate;'//newline
    do i = 1, size(order)
      r = order(i)
      text = text//rate_constant(m%reaction(r))//'  rate = k'//product_of(m%reaction(r)%reactants)//';'//newline// &
             contributions('loss', m%reaction(r)%reactants, '+= rate')
      if (m%reaction(r)%reversible) text = text//'  rate = '//backward(m%reaction(r))//';'//newline// &
                                           contributions('loss', m%reaction(r)%products, '+= rate')
    end do
    text = text//'}'//newline
  end function

  !> The reactions' order in the text: those of a rare species follow each other, so that what belongs to it is alive for a short
  !> while and leaves its registers to others.
  pure function grouped(m) result(order)
    type(mechanism_t), intent(in) :: m
    integer :: order(size(m%reaction)), rarest(size(m%reaction)), uses(m%n_species), r, s, times, next
    uses = 0
    do r = 1, size(m%reaction)
      associate (species => [m%reaction(r)%reactants, m%reaction(r)%products])
        do s = 1, size(species)
          uses(species(s)) = uses(species(s)) + 1
        end do
      end associate
    end do
    do r = 1, size(m%reaction)
      associate (species => [m%reaction(r)%reactants, m%reaction(r)%products])
        rarest(r) = species(minloc(uses(species), 1))
      end associate
    end do
    next = 1
    do times = 1, maxval(uses)
      do s = 1, m%n_species
        if (uses(s) /= times) cycle
        do r = 1, size(m%reaction)
          if (rarest(r) /= s) cycle
          order(next) = r
          next = next + 1
        end do
      end do
    end do
  end function

  !> Sets k, that of the forward reaction.
  function rate_constant(r) result(text)
    type(reaction_t), intent(in) :: r
    character(:), allocatable :: text
    text = '  /* chem.inp, line '//integer_text(r%line)//' */'//newline//'  k = '//arrhenius(r%rate)//';'//newline
    if (r%kind /= elementary) text = text//'  third = '//collision_partners(r)//';'//newline
    select case (r%kind)
    case (three_body)
      text = text//'  k *= third;'//newline
    case (lindemann)
      text = text//'  k = lindemann(k, '//reduced_pressure(r)//');'//newline
    case (troe)
      text = text//'  k = troe(k, '//reduced_pressure(r)//', '//broadening_centre(r)//');'//newline
    end select
  end function

  function backward(r) result(text)
    type(reaction_t), intent(in) :: r
    character(:), allocatable :: text
    text = 'k * exp('//equilibrium(r)//')'//product_of(r%products)
  end function

  !> A T^b exp(-E/T), without the parts that are one.
  function arrhenius(rate) result(text)
    real(8), intent(in) :: rate(3)
    character(:), allocatable :: text
    text = ''
    if (rate(2) /= 0) text = real_text(rate(2))//' * log_T'
    if (rate(3) /= 0) text = text//' - '//real_text(rate(3))//' * inverse_T'
    if (text /= '') text = ' * exp('//text//')'
    text = real_text(rate(1))//text
  end function

  !> Low-pressure constant times partners over high-pressure constant: one exponential instead of two and a division.
  function reduced_pressure(r) result(text)
    type(reaction_t), intent(in) :: r
    character(:), allocatable :: text
    text = arrhenius([r%low(1)/r%rate(1), r%low(2:) - r%rate(2:)])//' * third'
  end function

  function collision_partners(r) result(text)
    type(reaction_t), intent(in) :: r
    character(:), allocatable :: text
    integer :: s
    if (r%collider > 0) then
      text = element('c', r%collider)
      return
    end if
    text = 'total'
    do s = 1, size(r%enhanced)
      text = text//' + '//real_text(r%excess(s))//' * '//element('c', r%enhanced(s))
    end do
  end function

  !> The weighted exponentials whose sum is Troe's broadening factor at the centre.
  function broadening_centre(r) result(text)
    type(reaction_t), intent(in) :: r
    character(:), allocatable :: text
    associate (a => r%centering)
      text = real_text(1 - a(1))//' * '//decay(a(2))//' + '//real_text(a(1))//' * '//decay(a(3))
      ! Without T2 its exponential is zero.
      if (a(4) < huge(1d0)) text = text//' + exp('//real_text(-a(4))//' * inverse_T)'
    end associate
  end function

  !> exp(-T/scale).
  function decay(scale) result(text)
    real(8), intent(in) :: scale
    character(:), allocatable :: text
    text = '0.0'
    if (1/abs(scale) <= huge(scale)) text = 'exp(T * '//real_text(-1/scale)//')'
  end function

  !> -dG/(R T) of the backward reaction, and what turns pressures into concentrations.
  function equilibrium(r) result(text)
    type(reaction_t), intent(in) :: r
    character(:), allocatable :: text
    integer :: s
    text = integer_text(size(r%reactants) - size(r%products))//' * log_c0'
    do s = 1, size(r%products)
      text = text//' + '//element('g', r%products(s))
    end do
    do s = 1, size(r%reactants)
      text = text//' - '//element('g', r%reactants(s))
    end do
  end function

  function product_of(species) result(text)
    integer, intent(in) :: species(:)
    character(:), allocatable :: text
    integer :: s
    text = ''
    do s = 1, size(species)
      text = text//' * '//element('c', species(s))
    end do
  end function

  function contributions(array, species, what) result(text)
    character(*), intent(in) :: array, what
    integer, intent(in) :: species(:)
    character(:), allocatable :: text
    integer :: s
    text = ''
    do s = 1, size(species)
      text = text//'  '//element(array, species(s))//' '//what//';'//newline
    end do
  end function

  !> Element of an array over species; C counts from zero.
  function element(array, species) result(text)
    character(*), intent(in) :: array
    integer, intent(in) :: species
    character(:), allocatable :: text
    text = array//'['//integer_text(species - 1)//']'
  end function

  function vector(name, values) result(text)
    character(*), intent(in) :: name
    real(8), intent(in) :: values(:)
    character(:), allocatable :: text
    text = 'COHORT_TABLE const double '//name//'['//integer_text(size(values))//'] = {'//list(values)//'};'//newline
  end function

  !> Rows of the C table are the columns of `values`.
  function table(name, values) result(text)
    character(*), intent(in) :: name
    real(8), intent(in) :: values(:, :)
    character(:), allocatable :: text
    integer :: row
    text = 'COHORT_TABLE const double '//name//'['//integer_text(size(values, 2))//']['//integer_text(size(values, 1))//'] = {'
    do row = 1, size(values, 2)
      text = text//newline//'  {'//list(values(:, row))//'},'
    end do
    text = text//newline//'};'//newline
  end function

  function list(values) result(text)
    real(8), intent(in) :: values(:)
    character(:), allocatable :: text
    integer :: i
    text = real_text(values(1))
    do i = 2, size(values)
      text = text//', '//real_text(values(i))
    end do
  end function

  !> With the digits that give the same number back, and parentheses where a minus sign could meet another.
  function real_text(value) result(text)
    real(8), intent(in) :: value
    character(:), allocatable :: text
    character(32) :: digits
    write (digits, '(es24.16e3)') value
    text = trim(adjustl(digits))
    if (value < 0) text = '('//text//')'
  end function

  function integer_text(value) result(text)
    integer, intent(in) :: value
    character(:), allocatable :: text
    character(12) :: digits
    write (digits, '(i0)') value
    text = trim(digits)
  end function
end module
