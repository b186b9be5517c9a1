"""The module in one process: data, tasks, values, and what is refused, with its text."""

import ctypes
import gc
import pickle
import threading
import unittest
import weakref

import numpy as np

import checks
import cohort


class Alone(unittest.TestCase):
    """A runtime, and a region of 12 x 10 points with three fields."""

    def setUp(self):
        self.rt = cohort.init(workers=2)
        self.addCleanup(self.rt.finalize)
        space, fields = self.rt.index_space_create((1, 0), (12, 9)), self.rt.field_space_create()
        self.a, self.b = fields.allocate(np.float64, "a"), fields.allocate(np.float64, "b")
        self.n = fields.allocate(np.int32, "n")
        self.region = self.rt.region_create(space, fields)

    def refused(self, kind, text):
        """An exception of the library with this text in it."""
        return self.assertRaisesRegex(kind, text)


class Data(Alone):
    def test_bounds_are_those_of_the_program(self):
        self.assertEqual(self.region.bounds(), ((1, 0), (12, 9)))
        self.assertEqual(self.region.shape, (12, 10))
        self.assertEqual(self.region.points(), 120)
        self.assertEqual(self.region.rects(), [((1, 0), (12, 9))])

    def test_regions_may_have_holes(self):
        space = self.rt.index_space_create_rects([(0, 4), (8, 9), (3, 5)])
        fields = self.rt.field_space_create()
        fields.allocate(float)
        region = self.rt.region_create(space, fields)
        self.assertEqual((region.bounds(), region.points()), (((0,), (9,)), 8))
        self.assertEqual(sorted(region.rects()), [((0,), (5,)), ((8,), (9,))])

    def test_partitions(self):
        equal = self.region.partition_equal(7)
        self.assertEqual((len(equal), equal.kind()), (7, (True, True)))
        blocks = self.region.partition_blocks((3, 2))
        self.assertEqual([part.bounds() for part in blocks][:2], [((1, 0), (4, 4)), ((5, 0), (8, 4))])
        self.assertEqual(blocks[5].bounds(), ((9, 5), (12, 9)))
        self.assertEqual(blocks[5], blocks.subregion(5))
        self.assertEqual(blocks.tiles_halo((1, 1))[0].bounds(), ((1, 0), (5, 5)))
        rects = self.region.partition_rects([((1, 0), (6, 9)), ((6, 0), (12, 8))])
        self.assertEqual(rects.kind(), (False, False))
        columns = self.region.partition_restriction((0, 4), [[0], [2]], ((1, 0), (12, 1)))
        self.assertEqual([part.bounds()[0] for part in columns], [(1, 0), (1, 2), (1, 4), (1, 6), (1, 8)])
        self.assertEqual([len(product) for product in rects.cross_product(columns)], [5, 5])
        both = self.region.partition_union(rects, self.region.partition_rects([((12, 9), (12, 9))] * 2))
        self.assertEqual([part.points() for part in both], [61, 64])
        self.assertEqual([part.points() for part in self.region.partition_intersection(both, rects)], [60, 63])
        self.assertEqual([part.points() for part in self.region.partition_difference(both, rects)], [1, 1])

    def test_partitions_by_what_fields_hold(self):
        fields = self.rt.field_space_create()
        colour, to = fields.allocate(np.int64, "colour"), fields.allocate(np.int64, "to")
        span = fields.allocate(np.dtype((np.int64, 2)), "span")
        line = self.rt.region_create(self.rt.index_space_create(0, 9), fields)
        self.rt.attach(line, colour, np.arange(10) % 3)
        self.rt.attach(line, to, np.arange(10)[::-1].copy())
        parts = self.rt.partition_by_field(line, colour, 3)
        self.assertEqual([part.points() for part in parts], [4, 3, 3])
        self.assertEqual(self.rt.partition_image(line, parts, to)[1].rects(), [((2,), (2,)), ((5,), (5,)), ((8,), (8,))])
        self.assertEqual(self.rt.partition_preimage(line, parts, to)[2].rects(), [((1,), (1,)), ((4,), (4,)), ((7,), (7,))])

        @self.rt.task
        def spans(task):
            task.view(0, span, cohort.WRITE_DISCARD, dtype=np.dtype([("lo", "i8"), ("hi", "i8")]))[:] = (2, 3)

        self.rt.launch(spans, cohort.write_discard(line, span))
        self.assertEqual(self.rt.partition_image(line, parts, span, ranges=True)[0].bounds(), ((2,), (3,)))
        self.assertEqual(self.rt.partition_preimage(line, parts, span, ranges=True)[2].points(), 10)

    def test_handles_of_other_code_name_the_same_objects(self):
        again = cohort.Region(self.region.handle.id)
        self.assertEqual(again.bounds(), self.region.bounds())
        self.assertEqual(cohort.current().rank, 0)

    def test_destroy_twice_is_once(self):
        with self.rt.index_space_create(0, 1) as space:
            space.destroy()
        with self.refused(cohort.InvalidHandleError, "cohort_region_create: .*handle"):
            self.rt.region_create(space, self.rt.field_space_create())

    def test_wrong_data_is_refused(self):
        with self.refused(cohort.BoundsError, "lo"):
            self.rt.index_space_create(3, 1)
        with self.refused(cohort.InvalidArgumentError, "hi: .*has 1 numbers; give 2"):
            self.rt.index_space_create((0, 0), 1)
        with self.refused(cohort.InvalidArgumentError, "no list of whole numbers"):
            self.rt.index_space_create("x", 1)
        with self.refused(cohort.InvalidArgumentError, "no rectangles"):
            self.rt.index_space_create_rects([])
        with self.refused(cohort.InvalidArgumentError, "counts: .*give 2, one for each dimension"):
            self.region.partition_blocks(3)
        with self.refused(cohort.InvalidArgumentError, "transform has shape"):
            self.region.partition_restriction((0, 4), [[1], [2], [3]], ((1, 0), (12, 1)))
        with self.refused(cohort.InvalidArgumentError, "holds Python objects"):
            self.rt.field_space_create().allocate(object)
        with self.refused(ValueError, "0 sub-regions"):
            self.region.partition_equal(0)


class Arrays(Alone):
    """Attached arrays, in place."""

    def double(self, region):
        def body(task):
            view = task.view(0, self.a, cohort.READ_WRITE)
            view *= 2
            return view.shape == region.shape and bool(view.flags.writeable)

        task = self.rt.task_register("double", body)
        return self.rt.launch(task, cohort.read_write(region, self.a)).get(int)

    def test_any_strides(self):
        whole = np.arange(4 * 120.0)
        dense = whole[:120].reshape(12, 10)
        for array in (dense, whole[:120].reshape(12, 10, order="F"), whole.reshape(24, 20)[::2, ::2],
                      whole.reshape(20, 24).T[::2, 1::2], whole.reshape(12, 4, 10)[:, 2, :], dense[::-1, ::-1]):
            before = array.copy()
            with self.subTest(strides=array.strides), self.rt.attach(self.region, self.a, array):
                self.assertTrue(self.double(self.region))
            self.assertTrue((array == 2 * before).all())

    def test_tasks_see_the_array_itself(self):
        array, seen = np.zeros((12, 10)), []
        task = self.rt.task_register("see", lambda task: seen.append(task.view(0, self.a).ctypes.data))
        part = self.region.partition_blocks((3, 1))[1]
        with self.rt.attach(self.region, self.a, array):
            self.rt.launch(task, cohort.read_only(self.region, self.a))
            self.rt.launch(task, cohort.read_only(part, self.a))
        self.assertEqual(seen, [array.ctypes.data, array[4:].ctypes.data])

    def test_mapped_inline(self):
        @self.rt.task
        def double(task):
            task.view(0, self.a, cohort.READ_WRITE)[:] *= 2

        self.rt.fill(self.region, self.a, 1)
        with self.rt.inline_map(cohort.read_write(self.region, self.a)) as mapping:
            view = mapping.view(self.a, cohort.READ_WRITE)
            self.assertTrue((view == 1).all() and view.shape == (12, 10))
            view[3, 4] = 5
            self.assertFalse(mapping.view(self.a).flags.writeable)
            with self.refused(cohort.InterferenceError, "unmap first"):
                self.rt.launch(double, cohort.read_write(self.region, self.a))
            with self.refused(cohort.PrivilegeError, "field"):
                mapping.view(self.b)
        with self.assertRaisesRegex(ValueError, "read-only"):
            view[0, 0] = 7
        with self.refused(cohort.InvalidHandleError, "null handle"):
            mapping.view(self.a)
        self.rt.launch(double, cohort.read_write(self.region, self.a))
        part = self.region.partition_blocks((12, 10))[3 + 12 * 4]
        with self.rt.inline_map(cohort.read_only(part, self.a)) as mapping:
            self.assertEqual(mapping.view(self.a).tolist(), [[10]])

    def test_an_array_for_each_block(self):
        parts = self.region.partition_blocks((3, 1))
        arrays = [np.zeros((4, 10)) for _ in parts]
        for part, array in zip(parts, arrays):
            self.rt.attach(part, self.a, array)

        @self.rt.task
        def mark(task):
            task.view(0, self.a, cohort.READ_WRITE)[:] += task.point

        self.rt.fill(self.region, self.a, 5)
        self.rt.index_launch(mark, 3, cohort.read_write(parts, self.a))
        for point, (part, array) in enumerate(zip(parts, arrays)):
            self.rt.detach(part, self.a)
            self.assertTrue((array == 5 + point).all())

    def test_one_axis_may_count_the_fields(self):
        array = np.zeros((2, 12, 10))
        with self.rt.attach(self.region, (self.a, self.b), array, field_axis=0):
            self.rt.fill(self.region, self.b, 7)
            self.rt.copy(self.region, self.region.partition_rects([((1, 0), (1, 9))])[0], self.b, self.a)
        self.assertTrue((array[1] == 7).all() and (array[0, 0] == 7).all() and (array[0, 1:] == 0).all())

    def test_wrong_arrays_are_refused(self):
        array = np.zeros((12, 10))
        frozen = array.copy()
        frozen.flags.writeable = False
        overlapping = np.lib.stride_tricks.as_strided(array, (12, 10), (8, 8))
        for wrong, text in ((array.astype("f4"), "has dtype float32, and .* a float64. holds float64"), (frozen, "read-only"),
                            (array.astype(">f8"), "has dtype >f8"), ([1.0], "a list is no NumPy array"),
                            (array[:11], "extent 11, and the region"), (array[0], "rank 1, and the region has 2"),
                            (overlapping, "cohort_attach: .*(overlap|distinct|same)")):
            with self.subTest(text), self.refused(cohort.InvalidArgumentError, text):
                self.rt.attach(self.region, self.a, wrong)
        with self.refused(cohort.InvalidArgumentError, "2 fields and an array of one"):
            self.rt.attach(self.region, (self.a, self.b), array)
        with self.refused(cohort.InvalidArgumentError, "field_axis is 5"):
            self.rt.attach(self.region, (self.a, self.b), np.zeros((12, 10, 2)), field_axis=5)
        with self.rt.attach(self.region, self.a, array), self.refused(cohort.WrongOrderError, "attached"):
            self.rt.attach(self.region, self.a, array)

    def test_an_attached_array_neither_dies_nor_moves(self):
        array = np.ones((12, 10))
        address = array.ctypes.data
        attachment = self.rt.attach(self.region, self.a, array)
        with self.assertRaisesRegex(ValueError, "resize"):
            array.resize((24, 100), refcheck=False)
        del array
        gc.collect()
        new = [np.zeros((12, 10)) for _ in range(20)]
        self.assertNotIn(address, [other.ctypes.data for other in new])
        total = self.rt.task_register("total", lambda task: float(task.view(0, self.a).sum()))
        self.assertEqual(self.rt.launch(total, cohort.read_only(self.region, self.a)).get(), 120)
        attachment.detach()
        self.assertNotIn(address, [held[0].ctypes.data for held in cohort.attached._arrays.values()])
        array = np.ones((12, 10))
        with self.rt.attach(self.region, self.a, array):
            pass
        array.resize((24, 10), refcheck=False)
        self.assertEqual(array.shape, (24, 10))


    def test_arrays_of_a_destroyed_region_are_kept_while_tasks_use_them(self):
        fields = self.rt.field_space_create()
        x = fields.allocate(float)
        alive = []
        for size in (1000, 2000):
            region = self.rt.region_create(self.rt.index_space_create(1, size), fields)
            array = np.ones(size)
            alive.append(weakref.ref(array))
            self.rt.attach(region, x, array)
            add = self.rt.task_register("add", lambda task: task.view(0, x, cohort.READ_WRITE).__iadd__(1).sum())
            future = self.rt.launch(add, cohort.read_write(region, x))
            region.destroy()
            del array
            self.assertEqual(future.get(float), 2 * size)
        self.assertTrue(all(reference() is not None for reference in alive))
        self.rt.wait_all()
        gc.collect()
        self.assertEqual([reference() for reference in alive], [None, None])


class Tasks(Alone):
    def ends(self, text, kind=cohort.TaskFailedError):
        """The next wait fails with this text; the one after it does not."""
        with self.assertRaisesRegex(kind, text) as caught:
            self.rt.wait_all()
        self.rt.wait_all()
        return caught.exception

    def test_saxpy_over_blocks(self):
        x, y = np.random.default_rng(1).random((2, 12, 10))
        expected = y + 2.5 * x + 2.5 * x
        parts = self.region.partition_blocks((4, 2))

        @self.rt.task
        def saxpy(task):
            y_view = task.view(1, self.b, cohort.READ_WRITE)
            y_view += task.args_get() * task.view(0, self.a)
            return task.point

        with self.rt.attach(self.region, self.a, x), self.rt.attach(self.region, self.b, y):
            for _ in range(2):
                total = self.rt.index_launch(saxpy, 8, cohort.read_only(parts, self.a), cohort.read_write(parts, self.b), args=2.5,
                                             reduction=cohort.SUM, dtype=np.int64)
        self.assertEqual(total.get(int), 28)
        np.testing.assert_array_equal(y, expected)

    def test_tasks_run_on_the_thread_that_waits(self):
        where = []
        for leaf in (False, True):
            task = self.rt.task_register("where", lambda _: where.append(threading.get_ident()), leaf=leaf)
            for processor in (cohort.PROC_ANY, cohort.PROC_CPU, cohort.PROC_MPI):
                self.rt.launch(task, processor=processor)
        self.rt.wait_all()
        self.assertEqual(where, [threading.get_ident()] * 6)

    def test_tasks_launch_tasks(self):
        def recurse(task):
            depth = task.args_get(int)
            if depth == 0:
                return 1
            part = task.region(0).partition_equal(2)
            launched = [task.launch(recursion, cohort.read_write(piece, self.a), args=depth - 1) for piece in part]
            return sum(future.get(int) for future in launched)

        recursion = self.rt.task_register("recurse", recurse)
        self.rt.fill(self.region, self.a, 0)
        self.assertEqual(self.rt.launch(recursion, cohort.read_write(self.region, self.a), args=4).get(int), 16)

    def test_views_have_bounds_and_rights(self):
        parts, bounds = self.region.partition_blocks((2, 2)), {}

        @self.rt.task
        def look(task):
            bounds[task.point] = task.bounds(0)
            view = task.view(0, self.a)
            assert view.shape == (6, 5) and not view.flags.writeable
            with self.assertRaisesRegex(ValueError, "read-only"):
                view[0, 0] = 1
            with self.refused(cohort.PrivilegeError, "cohort_view"):
                task.view(0, self.a, cohort.READ_WRITE)
            with self.refused(cohort.PrivilegeError, "cohort_view"):
                task.view(0, self.b)
            with self.refused(cohort.InvalidArgumentError, "4-byte elements"):
                task.view(0, self.a, dtype=np.float32)
            with self.refused(cohort.InvalidArgumentError, "only a number; say which dtype"):
                task.view(0, int(self.a))
            with self.refused(cohort.InvalidArgumentError, "requirement"):
                task.view(3, self.a)

        self.rt.fill(self.region, self.a, 0)
        self.rt.index_launch(look, 4, cohort.read_only(parts, self.a))
        self.rt.wait_all()
        self.assertEqual(bounds, {point: parts[point].bounds() for point in range(4)})

    def test_reductions(self):
        counts = np.zeros((12, 10), dtype=np.int32)

        @self.rt.task
        def add(task):
            task.view(0, self.n, cohort.REDUCE)[:] += task.point + 1

        with self.rt.attach(self.region, self.n, counts):
            self.rt.index_launch(add, 3, cohort.reduce(self.region, cohort.SUM, self.n))
        self.assertTrue((counts == 6).all())
        with self.refused(cohort.InvalidArgumentError, "know their dtype"):
            cohort.reduce(self.region, cohort.SUM, int(self.n))

    def test_futures_of_all_points(self):
        square = self.rt.task_register("square", lambda task: task.point**2)
        add = self.rt.task_register("add", lambda task: task.future_get(0, int) + task.future_get(1, int))
        squares = self.rt.index_launch_map(square, 5)
        ten = self.rt.future_value(10)
        sums = self.rt.index_launch_map(add, 5, futures=[ten], future_maps=[squares])
        self.assertEqual((len(sums), sums.get(3, int), sums[4].get(int)), (5, 19, 26))
        self.assertEqual(self.rt.future_map_reduce(sums, cohort.SUM, np.int64).get(int), 80)
        squares.wait()
        with self.refused(cohort.BoundsError, "5"):
            sums.get(5, int)

    def test_predicates_decide(self):
        task = self.rt.task_register("value", lambda task: task.args_get(int))
        ran = self.rt.launch(task, args=1)
        holds, never = cohort.Predicate.from_future(ran), self.rt.predicate_constant(False)
        for predicate, result in ((holds, 7), (~holds, -1), (never, -1), (self.rt.predicate_or(never, holds), 7),
                                  (self.rt.predicate_and(never, holds), -1)):
            future = self.rt.launch(task, args=7, predicate=predicate, false_result=-1)
            self.assertEqual(future.get(int), result)

    def test_reductions_of_the_program(self):
        @cohort.abi.cohort_fold_function_t
        def larger_size(into, given, count, _user):
            doubles = ctypes.POINTER(ctypes.c_double)
            into, given = (np.ctypeslib.as_array(ctypes.cast(side, doubles), (count,)) for side in (into, given))
            np.copyto(into, given, where=abs(given) > abs(into))

        reduction = ctypes.c_int32()
        cohort.lib.cohort_reduction_register(self.rt._runtime, b"larger size", 8, ctypes.byref(ctypes.c_double(0)), larger_size,
                                             None, reduction)
        give = self.rt.task_register("give", lambda task: [3.0, -7.0, 5.0][task.point])
        self.assertEqual(self.rt.index_launch(give, 3, reduction=reduction.value).get(), -7)

        @self.rt.task
        def contribute(task):
            task.view(0, self.a, cohort.REDUCE)[:] = [3.0, -7.0, 5.0][task.point]

        largest = np.zeros((12, 10))
        with self.rt.attach(self.region, self.a, largest):
            self.rt.index_launch(contribute, 3, cohort.reduce(self.region, reduction.value, self.a))
        self.assertTrue((largest == -7).all())

    def test_values_cross_as_bytes(self):
        class Pair(ctypes.Structure):
            _fields_ = [("number", ctypes.c_int32), ("value", ctypes.c_double)]

        def echo(task):
            return task.args

        def first(task):
            return task.future_get(0, complex)

        task, second = self.rt.task_register("echo", echo), self.rt.task_register("first", first)
        for value, dtype in ((2.5, float), (-7, int), (1 + 2j, complex), (np.float32(0.5), np.float32), (np.arange(3), "(3,)i8")):
            np.testing.assert_array_equal(self.rt.launch(task, args=value).get(dtype), value)
        pair = self.rt.launch(task, args=Pair(3, 0.25)).get(Pair)
        self.assertEqual((pair.number, pair.value), (3, 0.25))
        data = pickle.dumps({"any": "object"})
        self.assertEqual(pickle.loads(self.rt.launch(task, args=data).get(f"V{len(data)}").tobytes()), {"any": "object"})
        self.assertEqual(self.rt.launch(second, futures=[self.rt.future_value(3j)]).get(complex), 3j)
        future = self.rt.launch(task)
        self.assertIsNone(future.get(None))
        self.assertTrue(future.test())

    def test_wrong_values_are_refused(self):
        task = self.rt.task_register("nothing", lambda _: None)
        with self.refused(cohort.InvalidArgumentError, "a dict has no bytes .*pickle"):
            self.rt.launch(task, args={})
        with self.refused(cohort.InvalidArgumentError, "does not fit into 64 bits"):
            self.rt.launch(task, args=1 << 63)
        with self.refused(cohort.InvalidArgumentError, "holds Python objects"):
            self.rt.launch(task, args=np.array([None]))
        with self.refused(cohort.InvalidArgumentError, "4.*8"):
            self.rt.future_value(np.float32(1)).get(float)
        self.rt.launch(self.rt.task_register("wrong", lambda task: task.args_get(float)), args=np.float32(1))
        self.ends("cohort_task_args.*4")
        self.rt.launch(self.rt.task_register("wrong", lambda _: object()))
        self.ends("result of task .wrong.: a object has no bytes")

    def test_wrong_launches_are_refused(self):
        task = self.rt.task_register("nothing", lambda _: None)
        with self.refused(cohort.InvalidArgumentError, "is no Task"):
            self.rt.launch(lambda _: None)
        with self.refused(cohort.InvalidArgumentError, "is no Requirement"):
            self.rt.launch(task, self.region)
        with self.refused(cohort.InvalidArgumentError, "neither a Region nor a Partition"):
            cohort.read_only(task, self.a)
        with self.refused(cohort.InvalidArgumentError, "there is no procesor; use one of size, task, .*processor"):
            self.rt.launch(task, procesor=1)
        with self.refused(cohort.InvalidArgumentError, "coherence"):
            self.rt.launch(task, cohort.read_only(self.region, self.a, coherence="mine"))
        with self.refused(cohort.InvalidArgumentError, "futures: "):
            self.rt.launch(task, futures=[1.5])
        with self.refused(cohort.InvalidArgumentError, "is no function"):
            self.rt.task_register("no", 3)
        with self.refused(cohort.InvalidArgumentError, "on the MPI thread"):
            self.rt.index_launch(task, 2, flags=cohort.LAUNCH_CONCURRENT)
        with self.refused(cohort.InvalidArgumentError, "cannot be reduced"):
            self.rt.index_launch(task, 2, reduction=cohort.SUM, dtype=np.int8)
        with self.refused(cohort.Error, "requirement 0: .*field"):
            self.rt.launch(task, cohort.read_only(self.region, 77))
        with self.refused(AttributeError, "cohort.h has no function cohort_nonsense"):
            cohort.lib.cohort_nonsense()

    def test_an_exception_is_the_failure_of_the_task(self):
        ran = []

        def divide(task):
            view = task.view(0, self.a, cohort.READ_WRITE)
            view[0, 0] = 1 // (task.point * 0)

        task = self.rt.task_register("divide", divide)
        after = self.rt.task_register("after", lambda _: ran.append(1))
        self.rt.fill(self.region, self.a, 0)
        self.rt.launch(task, cohort.read_write(self.region, self.a))
        self.rt.launch(after, cohort.read_write(self.region, self.a))
        error = self.ends(r'(?s)task "divide" failed on rank 0: ZeroDivisionError: .*line \d+, in divide')
        self.assertIsInstance(error.__cause__, ZeroDivisionError)
        self.assertEqual(ran, [])
        for exception in (KeyboardInterrupt, SystemExit, MemoryError):
            def leave(_, exception=exception):
                raise exception("out")
            self.rt.launch(self.rt.task_register("leave", leave))
            self.assertIsInstance(self.ends(f"{exception.__name__}: out").__cause__, exception)
        self.rt.launch(self.rt.task_register("letters", lambda _: [][0], leaf=True))
        self.ends("IndexError")

    def test_a_kept_view_is_an_error(self):
        kept = []
        self.rt.fill(self.region, self.a, 0)
        for how in (kept.append, lambda view: kept.append(view[1:, ::2]), lambda view: setattr(self, "kept", view.T)):
            def keep(task, how=how):
                how(task.view(0, self.a))
            self.rt.launch(self.rt.task_register("keep", keep), cohort.read_only(self.region, self.a))
            self.ends("a view of field a is still referred to after the body of task .keep.")

        def cycle(task):
            holder = [task.view(0, self.a)]
            holder.append(holder)
            kept.append(holder[0].copy())

        self.rt.launch(self.rt.task_register("cycle", cycle), cohort.read_only(self.region, self.a))
        self.rt.wait_all()

    def test_a_context_ends_with_its_task(self):
        kept = []
        self.rt.launch(self.rt.task_register("keep", kept.append))
        self.rt.wait_all()
        with self.refused(cohort.WrongOrderError, "task .keep. has ended"):
            kept[0].view(0, self.a)

    def test_callables_are_kept_alive(self):
        ran = []
        task = self.rt.task_register("short-lived", (lambda: lambda _: ran.append(1))())
        gc.collect()
        self.rt.launch(task)
        self.rt.wait_all()
        self.assertEqual(ran, [1])

    def test_compiled_functions_are_tasks_too(self):
        # A function of the library itself with fitting arguments: cohort_task_fail(task, NULL).
        function = ctypes.CDLL(cohort.lib._library()._name).cohort_task_fail
        self.rt.launch(self.rt.task_register("compiled", function))
        self.ends('task "compiled" failed')

    def test_code_that_keeps_the_interpreters_lock_may_wait(self):
        # As a solver wrapped by f2py does.
        ran = []
        self.rt.launch(self.rt.task_register("under the lock", lambda _: ran.append(1)))
        wait = ctypes.PyDLL(cohort.lib._library()._name).cohort_wait_all
        wait.argtypes = [cohort.abi.cohort_context_t]
        self.assertEqual((wait(self.rt.handle), ran), (0, [1]))

    def test_another_thread_is_refused(self):
        caught = []

        def launch():
            try:
                self.rt.wait_all()
            except cohort.Error as error:
                caught.append(error)

        thread = threading.Thread(target=launch)
        thread.start()
        thread.join()
        self.assertIsInstance(caught[0], cohort.WrongThreadError)

    def test_handshakes(self):
        steps, seen = 5, []
        handshake = self.rt.handshake_create()
        work = self.rt.task_register("work", lambda _: seen.append(len(seen)))
        for step in range(steps):
            self.rt.launch(work, wait_handshakes=[handshake], arrive_handshakes=[handshake])
            self.rt.handshake_advance(handshake)
            with self.refused(cohort.WrongOrderError, "hand off first"):
                handshake.test_on_tasks()
            handshake.handoff_to_tasks()
            self.assertFalse(handshake.test_on_tasks())
            handshake.wait_on_tasks(60.0)
            self.assertEqual(seen, list(range(step + 1)))
        with self.refused(cohort.WrongOrderError, "cohort_wait_on_tasks"):
            handshake.wait_on_tasks()
        self.rt.launch(work, wait_handshakes=[handshake], arrive_handshakes=[handshake])
        self.rt.handshake_advance(handshake)
        handshake.handoff_to_tasks()
        handshake.wait_on_tasks()
        handshake.destroy()


class Runtimes(unittest.TestCase):
    def test_one_after_the_other(self):
        for _ in range(3):
            with cohort.init(workers=1) as rt:
                self.assertEqual((rt.rank, rt.size, rt.workers), (0, 1, 1))
            rt.finalize()

    def test_wrong_starts_are_refused(self):
        with self.assertRaisesRegex(cohort.WrongOrderError, "cohort_current: no runtime is running"):
            cohort.current()
        with self.assertRaisesRegex(cohort.InvalidArgumentError, "there is no worker; use one of size, workers"):
            cohort.init(worker=2)
        with self.assertRaisesRegex(cohort.InvalidArgumentError, "config.workers is 1000"):
            cohort.init(workers=1000)
        with self.assertRaisesRegex(cohort.InvalidArgumentError, "'world' is no communicator"):
            cohort.init("world")
        with self.assertRaisesRegex(cohort.VersionError, "interface 99, "):
            cohort.lib.cohort_init_version(99, None, ctypes.byref(cohort.abi.cohort_runtime_t()))
        with cohort.init():
            with self.assertRaisesRegex(cohort.WrongOrderError, "runs already|running"):
                cohort.init()
            with self.assertRaisesRegex(cohort.InvalidArgumentError, "did not start"):
                cohort.current().finalize()

    def test_a_failure_nobody_waited_for_is_told_at_the_end(self):
        with self.assertRaisesRegex(cohort.TaskFailedError, "ZeroDivisionError"):
            with cohort.init() as rt:
                rt.launch(rt.task_register("last", lambda _: 1 / 0))
        with cohort.init():
            pass

    def test_every_status_has_its_exception(self):
        named = {value for name, value in vars(cohort.abi).items() if name.startswith("ERROR_")}
        self.assertEqual(named, set(cohort.Error.kinds))


if __name__ == "__main__":
    checks.main()
