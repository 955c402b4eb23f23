using AsArm.Perf;
using BenchmarkDotNet.Running;

if (args is ["--check-allocations"])
    return AllocationGate.Check(Path.Combine(AppContext.BaseDirectory, "allocations.json"));
if (args is ["cache", .. string[] rest])
    return CacheMeasurement.Run(rest);
BenchmarkSwitcher.FromAssembly(typeof(AllocationGate).Assembly).Run(args, new InProcessConfig());
return 0;
