using AsArm.Perf;
using AsArm.Perf.Cache;
using AsArm.Perf.Concurrency;
using AsArm.Perf.Gpu;
using AsArm.Perf.Graphs;
using AsArm.Perf.Lengths;
using AsArm.Perf.Load;
using AsArm.Perf.Precision;
using AsArm.Perf.Samplers;
using AsArm.Perf.Startup;
using BenchmarkDotNet.Running;

if (args is ["--check-allocations"])
    return AllocationGate.Check(Path.Combine(AppContext.BaseDirectory, "allocations.json"));
if (args is ["cache", .. string[] rest])
    return CacheMeasurement.Run(rest);
if (args is ["precision", .. string[] precision])
    return PrecisionMeasurement.Run(precision);
if (args is ["loss", .. string[] texts])
    return LossMeasurement.Run(texts);
if (args is ["graphs", .. string[] folders])
    return GraphComparison.Run(folders);
if (args is ["gpu", .. string[] models])
    return GpuMeasurement.Run(models);
if (args is ["official"])
    return OfficialMeasurement.Run();
if (args is ["chart", .. string[] chart])
    return ChartCommand.Run(chart);
if (args is ["concurrency", .. string[] callers])
    return ConcurrencyMeasurement.Run(callers);
if (args is ["lengths", .. string[] lengths])
    return LengthsMeasurement.Run(lengths);
if (args is ["overheads", .. string[] overheads])
    return OverheadsMeasurement.Run(overheads);
if (args is ["load", .. string[] load])
    return await LoadMeasurement.RunAsync(load);
if (args is ["startup", .. string[] startup])
    return StartupMeasurement.Run(startup);
if (args is ["samplers", .. string[] options])
    return SamplersMeasurement.Run(options);
BenchmarkSwitcher.FromAssembly(typeof(AllocationGate).Assembly).Run(args, new InProcessConfig());
return 0;
