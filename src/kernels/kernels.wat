;; Loops that JavaScript runs several times slower. npm run wasm writes kernels-wasm.ts from this file.
(module
  (import "host" "memory" (memory 1))

  ;; Adam in place, in one pass over float32 arrays: the operations of training/optimizer/adam.ts, four numbers at once.
  (func (export "adam")
    ;; byte offsets: weights, gradients, first and second moments
    (param $w i32) (param $g i32) (param $m i32) (param $v i32)
    ;; numbers in each array
    (param $count i32)
    ;; $retention: the factor of the weights, 1 − weight decay
    (param $beta1 f32) (param $beta2 f32) (param $stepSize f32) (param $epsilon f32) (param $retention f32)
    (local $beta1x4 v128) (local $beta2x4 v128) (local $stepSizex4 v128)
    (local $epsilonx4 v128) (local $retentionx4 v128)
    (local $gx4 v128) (local $mx4 v128) (local $vx4 v128) (local $gx1 f32) (local $mx1 f32) (local $vx1 f32)
    (local $end i32) (local $fours i32)

    (local.set $beta1x4 (f32x4.splat (local.get $beta1)))
    (local.set $beta2x4 (f32x4.splat (local.get $beta2)))
    (local.set $stepSizex4 (f32x4.splat (local.get $stepSize)))
    (local.set $epsilonx4 (f32x4.splat (local.get $epsilon)))
    (local.set $retentionx4 (f32x4.splat (local.get $retention)))
    (local.set $end (i32.add (local.get $w) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $fours (i32.add (local.get $w) (i32.shl (i32.and (local.get $count) (i32.const -4)) (i32.const 2))))

    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $w) (local.get $fours)))
        (local.set $gx4 (v128.load align=4 (local.get $g)))
        ;; m ← β₁ m + g
        (local.set $mx4
          (f32x4.add (f32x4.mul (v128.load align=4 (local.get $m)) (local.get $beta1x4)) (local.get $gx4)))
        ;; v ← β₂ v + g²
        (local.set $vx4
          (f32x4.add
            (f32x4.mul (v128.load align=4 (local.get $v)) (local.get $beta2x4))
            (f32x4.mul (local.get $gx4) (local.get $gx4))))
        (v128.store align=4 (local.get $m) (local.get $mx4))
        (v128.store align=4 (local.get $v) (local.get $vx4))
        ;; w ← retention · w − stepSize · m / (√v + ε)
        (v128.store align=4 (local.get $w)
          (f32x4.sub
            (f32x4.mul (v128.load align=4 (local.get $w)) (local.get $retentionx4))
            (f32x4.div
              (f32x4.mul (local.get $mx4) (local.get $stepSizex4))
              (f32x4.add (f32x4.sqrt (local.get $vx4)) (local.get $epsilonx4)))))
        (local.set $w (i32.add (local.get $w) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (local.set $v (i32.add (local.get $v) (i32.const 16)))
        (br $next)))

    ;; the last one to three numbers
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $w) (local.get $end)))
        (local.set $gx1 (f32.load (local.get $g)))
        (local.set $mx1 (f32.add (f32.mul (f32.load (local.get $m)) (local.get $beta1)) (local.get $gx1)))
        (local.set $vx1
          (f32.add
            (f32.mul (f32.load (local.get $v)) (local.get $beta2))
            (f32.mul (local.get $gx1) (local.get $gx1))))
        (f32.store (local.get $m) (local.get $mx1))
        (f32.store (local.get $v) (local.get $vx1))
        (f32.store (local.get $w)
          (f32.sub
            (f32.mul (f32.load (local.get $w)) (local.get $retention))
            (f32.div
              (f32.mul (local.get $mx1) (local.get $stepSize))
              (f32.add (f32.sqrt (local.get $vx1)) (local.get $epsilon)))))
        (local.set $w (i32.add (local.get $w) (i32.const 4)))
        (local.set $g (i32.add (local.get $g) (i32.const 4)))
        (local.set $m (i32.add (local.get $m) (i32.const 4)))
        (local.set $v (i32.add (local.get $v) (i32.const 4)))
        (br $next))))

  ;; Adds float32 numbers to others, in place.
  (func (export "add")
    ;; byte offsets of both arrays, and the numbers in each
    (param $sums i32) (param $added i32) (param $count i32)
    (local $end i32) (local $fours i32)
    (local.set $end (i32.add (local.get $sums) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $fours (i32.add (local.get $sums) (i32.shl (i32.and (local.get $count) (i32.const -4)) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $sums) (local.get $fours)))
        (v128.store align=4 (local.get $sums)
          (f32x4.add (v128.load align=4 (local.get $sums)) (v128.load align=4 (local.get $added))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 16)))
        (local.set $added (i32.add (local.get $added) (i32.const 16)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $sums) (local.get $end)))
        (f32.store (local.get $sums) (f32.add (f32.load (local.get $sums)) (f32.load (local.get $added))))
        (local.set $sums (i32.add (local.get $sums) (i32.const 4)))
        (local.set $added (i32.add (local.get $added) (i32.const 4)))
        (br $next))))

  ;; Bernoulli draws as bytes, 0 or 1: two from each word of the generator sfc32 of random.ts.
  (func (export "bernoulli")
    ;; byte offsets of the generator's state (a, b, c, counter), which is updated, and of the draws
    (param $state i32) (param $out i32)
    ;; the number of words; 2^16 · probability
    (param $words i32) (param $threshold i32)
    (local $a i32) (local $b i32) (local $c i32) (local $counter i32) (local $word i32) (local $end i32)

    (local.set $a (i32.load (local.get $state)))
    (local.set $b (i32.load offset=4 (local.get $state)))
    (local.set $c (i32.load offset=8 (local.get $state)))
    (local.set $counter (i32.load offset=12 (local.get $state)))
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $words) (i32.const 1))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $word (i32.add (i32.add (local.get $a) (local.get $b)) (local.get $counter)))
        (local.set $counter (i32.add (local.get $counter) (i32.const 1)))
        (local.set $a (i32.xor (local.get $b) (i32.shr_u (local.get $b) (i32.const 9))))
        (local.set $b (i32.add (local.get $c) (i32.shl (local.get $c) (i32.const 3))))
        (local.set $c (i32.add (i32.rotl (local.get $c) (i32.const 21)) (local.get $word)))
        ;; the top bit is set if the draw is below the threshold
        (i32.store16 (local.get $out)
          (i32.or
            (i32.shr_u
              (i32.sub (i32.and (local.get $word) (i32.const 0xffff)) (local.get $threshold)) (i32.const 31))
            (i32.shl
              (i32.shr_u
                (i32.sub (i32.shr_u (local.get $word) (i32.const 16)) (local.get $threshold)) (i32.const 31))
              (i32.const 8))))
        (local.set $out (i32.add (local.get $out) (i32.const 2)))
        (br $next)))
    (i32.store (local.get $state) (local.get $a))
    (i32.store offset=4 (local.get $state) (local.get $b))
    (i32.store offset=8 (local.get $state) (local.get $c))
    (i32.store offset=12 (local.get $state) (local.get $counter))))
