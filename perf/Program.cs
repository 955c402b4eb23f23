using AsArm.Perf;
using BenchmarkDotNet.Running;

if (args is ["--check-allocations"])
    return AllocationGate.Check(Path.Combine(AppContext.BaseDirectory, "allocations.json"));
BenchmarkSwitcher.FromAssembly(typeof(AllocationGate).Assembly).Run(args, new InProcessConfig());
return 0;
